// One row, opened: its texts, its verdicts beside the thresholds that they count for, its trace.
// `data` is what was packed: bounds, traces and scorers beside the rows.

// whether people's label of the row is another than the scorer's verdict
function differs(row, name) {
  return Boolean(row.people[name] && row.people[name].differs);
}

function rowDetails(row, data, words) {
  const made = element("div", "inside");
  const texts = element("div", "blocks");
  made.append(...conversation(words, row.history));
  texts.append(block(words, "question", row.question, "whole"));
  if (!row.asked) texts.append(block(words, "not asked", "the run ended before"));
  else texts.append(row.error ? block(words, "no answer", row.error, "failed") : block(words, "answer", row.answer));
  if (row.calls) texts.append(block(words, "tool calls, of which none was made", row.calls));
  if (row.expected) texts.append(block(words, "expected", row.expected));
  made.append(texts);
  if (row.passages) {
    const found = element("details", "more");
    const count = row.passages.length;
    found.append(element("summary", "", `${count} retrieved ${count === 1 ? "passage" : "passages"}`));
    if (row.noPassages) found.append(element("p", "text", row.noPassages));
    for (const passage of row.passages) found.append(marked(words, element("p", "text"), passage));
    made.append(found);
  }
  if (row.reasoning) {
    const thought = element("details", "more");
    thought.append(element("summary", "", "reasoning, which no scorer saw"));
    thought.append(marked(words, element("p", "text"), row.reasoning));
    made.append(thought);
  }
  made.append(element("p", "small break", rowFacts(row, data).join(" · ")));
  if (Object.keys(row.scores).length) made.append(verdicts(row, data, words));
  return made;
}

function rowFacts(row, data) {
  const facts = Object.entries(row.slices).map((pair) => pair.join(" = "));
  if (row.latency !== null) facts.push([`${Math.round(row.latency)} ms`, ...(data.latencyBounds || [])].join(", "));
  if (row.asked) facts.push(row.attempts ? `${row.attempts} ${row.attempts === 1 ? "attempt" : "attempts"}` : "answer as given");
  if (row.tokensIn !== null || row.tokensOut !== null)
    facts.push(`${row.tokensIn ?? "?"} tokens in, ${row.tokensOut ?? "?"} out`);
  return [...facts, row.id];
}

// a scorer's thresholds, and those of the slices that the row is in
function boundsOf(row, data, name) {
  return (data.bounds[name] || [])
    .filter((bound) => !bound.column || row.slices[bound.column] === bound.slice)
    .map((bound) => bound.column ? `${bound.text} for ${bound.column} = ${bound.slice}` : bound.text);
}

function verdicts(row, data, words) {
  const table = element("table", "verdicts");
  const head = element("thead"), line = element("tr"), body = element("tbody");
  for (const name of ["scorer", "verdict", "threshold of all rows", "why"]) {
    const cell = element("th", "", name);
    cell.scope = "col";
    line.append(cell);
  }
  head.append(line);
  const names = Object.keys(row.scores);
  for (const name of [...row.failed, ...names.filter((name) => !row.failed.includes(name))])
    body.append(verdict(row, data, words, name));
  table.append(head, body);
  return table;
}

function verdict(row, data, words, name) {
  const [score, label, failed] = [row.scores[name], row.people[name], row.failed.includes(name)];
  const made = element("tr", failed ? "missed" : "");
  const head = element("th", "", name);
  head.scope = "row";
  if (data.ways[name]) head.append(" ", element("span", "small way", data.ways[name]));
  made.append(head);
  const said = element("td", "said" + (failed ? " word fail" : ""));
  said.textContent = (failed ? "✕ " : "") + (score.error ? "error" : score.shown);
  made.append(said);
  const bounds = element("td", "bounds small");
  for (const text of boundsOf(row, data, name)) bounds.append(element("div", "", text));
  made.append(bounds);
  const why = element("td", "text");
  if (score.error) why.append(marked(words, element("span", "word fail"), score.error), " ");
  marked(words, why, score.reason || "");
  if (score.said) why.append(" ", element("span", "small", `said ${score.said}`));
  if (label) {
    const word = `people say ${label.value}`;
    why.append(" ", element("span", label.differs ? "word warn" : "small", word));
  }
  made.append(why);
  return made;
}
