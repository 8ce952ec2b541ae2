"use strict";
// What the pages' scripts share. Texts become text nodes and never markup: a model may have
// written them.
const $ = (id) => document.getElementById(id);

// the content of #data: gzip in base64
async function unpacked() {
  const packed = Uint8Array.from(atob($("data").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined && text !== null) made.textContent = text;
  return made;
}

function option(select, value, text) {
  const made = element("option", "", text);
  made.value = value;
  select.append(made);
}

// `text` with what was searched for marked
function marked(words, node, text) {
  const pattern = words.map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  if (!pattern) {
    node.append(text);
    return node;
  }
  for (const [i, part] of text.split(new RegExp(`(${pattern})`, "i" + "g")).entries())
    node.append(i % 2 ? element("mark", "", part) : part);
  return node;
}

function block(words, name, text, className) {
  const made = element("div", "block " + (className || ""));
  made.append(element("h3", "", name));
  made.append(text ? marked(words, element("p", "text"), text) : element("p", "small", "none"));
  return made;
}

// what was said before the question, folded; nothing where that was the first
function conversation(words, turns) {
  const made = element("details", "more");
  made.append(element("summary", "", `the conversation before it: ${turns.length} ${turns.length === 1 ? "turn" : "turns"}`));
  for (const turn of turns) made.append(block(words, turn.role, turn.text, "turn"));
  return turns.length ? [made] : [];
}
