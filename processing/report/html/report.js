// The rows: unpacked once, then filtered, ordered and shown a page at a time.
(async () => {
  const PAGE = 50;
  const { scorers, rows } = await unpacked();

  rows.forEach((row, i) => {
    row.worst = i;
    const said = Object.values(row.scores).flatMap((s) => [s.reason, s.error]);
    const before = row.history.map((turn) => turn.text);
    row.searched = [row.id, ...before, row.question, row.answer, row.reasoning, row.expected, row.error, ...said]
      .filter(Boolean).join("\n").toLowerCase();
  });

  for (const name of scorers) {
    const n = rows.filter((row) => row.failed.includes(name)).length;
    if (n) option($("failed"), "=" + name, `${name} (${n})`);
    option($("sort"), "=" + name, name);
    const differ = rows.filter((row) => differs(row, name)).length;
    if (differ) option($("failed"), "≠" + name, `${name} and people differ (${differ})`);
  }
  if ($("slice")) {
    const seen = new Map();
    for (const row of rows)
      for (const pair of Object.entries(row.slices)) {
        const key = JSON.stringify(pair);
        seen.set(key, (seen.get(key) || 0) + 1);
      }
    for (const key of [...seen.keys()].sort().slice(0, 500))
      option($("slice"), key, `${JSON.parse(key).join(" = ")} (${seen.get(key)})`);
  }

  let found = [];
  let shown = 0;
  let words = [];

  // whether people's label of the row is another than the scorer's verdict
  function differs(row, name) {
    return Boolean(row.people[name] && row.people[name].differs);
  }

  function wanted(row) {
    const failed = $("failed").value;
    if (failed === "*" && !row.failed.length && !row.error) return false;
    if (failed === "!" && !row.error) return false;
    if (failed === "~" && !row.cut) return false;
    if (failed[0] === "≠" && !differs(row, failed.slice(1))) return false;
    if (failed[0] === "=" && !row.failed.includes(failed.slice(1))) return false;
    if ($("slice") && $("slice").value) {
      const [column, value] = JSON.parse($("slice").value);
      if (row.slices[column] !== value) return false;
    }
    return words.every((word) => row.searched.includes(word));
  }

  // what rows are ordered by; null goes last, whichever way round
  function keyOf(row, order) {
    if (order[0] !== "=") return row[order];
    const score = row.scores[order.slice(1)];
    return score ? score.value : null;
  }

  function apply() {
    words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const order = $("sort").value;
    const sign = $("reverse").getAttribute("aria-pressed") === "true" ? -1 : 1;
    // slow and long answers first, low scores first: what one looks for
    const upwards = order === "latency" || order === "tokensOut" ? -sign : sign;
    found = rows.filter(wanted).sort((a, b) => {
      const [x, y] = [keyOf(a, order), keyOf(b, order)];
      if (x === null || y === null) return (x === null) - (y === null) || a.worst - b.worst;
      return upwards * (x - y) || a.worst - b.worst;
    });
    $("count").textContent = `${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
    $("list").replaceChildren();
    shown = 0;
    showMore();
  }

  function showMore() {
    $("list").append(...found.slice(shown, shown + PAGE).map(line));
    shown = Math.min(shown + PAGE, found.length);
    $("more").hidden = shown >= found.length;
    $("more").textContent = `show ${Math.min(PAGE, found.length - shown)} more`;
  }

  // the number at the end of a line: what the rows are ordered by, or else the latency
  function orderedBy(row) {
    const order = $("sort").value;
    if (order === "tokensOut") return `${row.tokensOut ?? "?"} tokens`;
    if (order[0] !== "=") return row.latency === null ? "" : `${Math.round(row.latency)} ms`;
    const score = row.scores[order.slice(1)];
    return score ? score.shown : "";
  }

  function line(row) {
    const made = element("details", "row");
    const summary = element("summary");
    summary.append(element("span", "place", row.position));
    const texts = element("span", "texts");
    texts.append(marked(words, element("span", "question"), row.question || ""));
    texts.append(!row.asked
      ? element("span", "small answer", "not asked: the run ended before")
      : row.error
      ? element("span", "word fail answer", "✕ " + row.error)
      : marked(words, element("span", "answer"), row.answer || row.calls || ""));
    const chips = element("span", "chips");
    for (const name of row.failed.slice(0, 4)) chips.append(element("span", "chip", "✕ " + name));
    if (row.cut) chips.append(element("span", "chip", "… cut"));
    if (row.failed.length > 4) chips.append(element("span", "chip", `+ ${row.failed.length - 4}`));
    if (!row.failed.length && !row.error && row.asked) chips.append(element("span", "word ok", "✓"));
    summary.append(texts, chips, element("span", "sorted", orderedBy(row)));
    made.append(summary);
    made.addEventListener("toggle", () => {
      if (made.open && made.childElementCount === 1) made.append(details(row));
    });
    return made;
  }

  function details(row) {
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
    const facts = Object.entries(row.slices).map((pair) => pair.join(" = "));
    if (row.latency !== null) facts.push(`${Math.round(row.latency)} ms`);
    if (row.asked) facts.push(row.attempts ? `${row.attempts} ${row.attempts === 1 ? "attempt" : "attempts"}` : "answer as given");
    if (row.tokensIn !== null || row.tokensOut !== null)
      facts.push(`${row.tokensIn ?? "?"} tokens in, ${row.tokensOut ?? "?"} out`);
    facts.push(row.id);
    made.append(element("p", "small break", facts.join(" · ")));
    const names = Object.keys(row.scores);
    const sorted = [...row.failed, ...names.filter((name) => !row.failed.includes(name))];
    const table = element("table", "verdicts");
    const body = element("tbody");
    for (const name of sorted) 
      body.append(verdict(name, row.scores[name], row.failed.includes(name), row.people[name]));
    table.append(body);
    if (sorted.length) made.append(table);
    return made;
  }

  function verdict(name, score, failed, label) {
    const made = element("tr", failed ? "missed" : "");
    const head = element("th", "", name);
    head.scope = "row";
    made.append(head);
    const said = element("td", "said" + (failed ? " word fail" : ""));
    said.textContent = (failed ? "✕ " : "") + (score.error ? "error" : score.shown);
    made.append(said);
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

  function reset() {
    $("search").value = "";
    $("failed").value = "";
    if ($("slice")) $("slice").value = "";
  }

  let waiting = 0;
  $("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 120);
  });
  for (const id of ["failed", "slice", "sort"]) if ($(id)) $(id).addEventListener("change", apply);
  $("reverse").addEventListener("click", () => {
    const pressed = $("reverse").getAttribute("aria-pressed") === "true";
    $("reverse").setAttribute("aria-pressed", String(!pressed));
    apply();
  });
  $("more").addEventListener("click", showMore);
  for (const link of document.querySelectorAll("a.to-rows"))
    link.addEventListener("click", () => {
      reset();
      $("failed").value = link.dataset.failed;
      if (link.dataset.slice) $("slice").value = JSON.stringify(JSON.parse(link.dataset.slice));
      apply();
      $("rows").scrollIntoView();
    });
  apply();
})();
