"use strict";
// What the pages' scripts share. Texts become text nodes and never markup: a model may have
// written them.
const $ = (id) => document.getElementById(id);

// the content of #data: gzip in base64
async function unpacked() {
  const text = atob($("data").textContent);
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i); // faster than from()
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined && text !== null) made.textContent = text;
  return made;
}

function button(text, pressed) {
  const made = element("button", "", text);
  made.type = "button";
  made.addEventListener("click", pressed);
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

// Light, dark, or as the system has it; remembered where the browser remembers anything for this
// page, which it does not inside MLflow's viewer.
(() => {
  const themes = ["system", "light", "dark"];
  let theme = "system";
  try {
    theme = themes.find((each) => each === localStorage.getItem("report-theme")) || theme;
  } catch { /* nothing is kept here */ }
  function set() {
    document.documentElement.dataset.theme = theme;
    $("theme").textContent = `theme: ${theme}`;
  }
  if (!$("theme")) return;
  set();
  $("theme").hidden = false;
  $("theme").addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    set();
    try {
      localStorage.setItem("report-theme", theme);
    } catch { /* nothing is kept here */ }
  });
})();
