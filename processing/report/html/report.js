// The rows: unpacked once, then filtered, ordered and shown a page at a time. What is looked at is
// in the page's address, #rows?failed==Safety&row=17, so that it can be sent to somebody.
(async () => {
  const PAGE = 50;
  const PRINTED = 200; // rows on paper
  const data = await unpacked();
  const { rows } = data;
  const FIELDS = { q: "search", failed: "failed", slice: "slice", order: "sort" };
  const usual = (id) => (id === "sort" ? "worst" : "");

  rows.forEach((row, i) => { row.worst = i; });

  // all that is said in a row, put together when it is first searched for
  function textOf(row) {
    if (row.searched === undefined) {
      const said = Object.values(row.scores).flatMap((s) => [s.reason, s.error]);
      const before = row.history.map((turn) => turn.text);
      row.searched = [row.id, ...before, row.question, row.answer, row.reasoning, row.expected, row.error, ...said]
        .filter(Boolean).join("\n").toLowerCase();
    }
    return row.searched;
  }

  fillChoices(data);

  let found = [];
  let shown = 0;
  let words = [];
  let opened = null; // the row that was opened last

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
    return words.every((word) => textOf(row).includes(word));
  }

  // what rows are ordered by; null goes last, whichever way round
  function keyOf(row, order) {
    if (order[0] !== "=") return row[order];
    const score = row.scores[order.slice(1)];
    return score ? score.value : null;
  }

  const isReversed = () => $("reverse").getAttribute("aria-pressed") === "true";

  function apply() {
    words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const order = $("sort").value;
    const sign = isReversed() ? -1 : 1;
    // slow and long answers first, low scores first: what one looks for
    const upwards = order === "latency" || order === "tokensOut" ? -sign : sign;
    found = rows.filter(wanted).sort((a, b) => {
      const [x, y] = [keyOf(a, order), keyOf(b, order)];
      if (x === null || y === null) return (x === null) - (y === null) || a.worst - b.worst;
      return upwards * (x - y) || a.worst - b.worst;
    });
    $("count").textContent = `${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
    $("list").replaceChildren(...(found.length ? [] : [noHits()]));
    $("csv").disabled = $("copy").disabled = !found.length;
    shown = 0;
    opened = null;
    showMore();
  }

  function noHits() {
    const made = element("p", "none", "No row matches this search and these filters. ");
    made.append(button("show all rows", () => {
      reset();
      changed();
      $("count").focus();
    }));
    return made;
  }

  function showMore() {
    $("list").append(...found.slice(shown, shown + PAGE).map(line));
    shown = Math.min(shown + PAGE, found.length);
    $("more").hidden = shown >= found.length;
    $("more").textContent = `show ${Math.min(PAGE, found.length - shown)} more`;
  }

  // what somebody has chosen or typed: shown, and in the address
  function changed() {
    apply();
    note();
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
    texts.append(...cells(row));
    const chips = element("span", "chips");
    for (const name of row.failed.slice(0, 4)) chips.append(element("span", "chip", "✕\u00a0" + name));
    if (row.cut) chips.append(element("span", "chip", "… cut"));
    if (row.failed.length > 4) chips.append(element("span", "chip", `+ ${row.failed.length - 4}`));
    if (!row.failed.length && !row.error && row.asked) chips.append(element("span", "word ok", "✓"));
    summary.append(texts, chips, element("span", "sorted", orderedBy(row)));
    made.append(summary);
    made.addEventListener("toggle", () => {
      if (made.open && made.childElementCount === 1) {
        const inside = rowDetails(row, data, words);
        inside.prepend(actions(row, made));
        made.append(inside);
      }
      if (made.open) opened = row;
      else if (opened === row) opened = null;
      note();
    });
    return made;
  }

  // what was chosen under "columns"
  function cells(row) {
    const chosen = [...document.querySelectorAll("#columns input:checked")].map((box) => box.value);
    return chosen.map((key) => {
      const made = element("span", "cell");
      const name = key.slice(1);
      const score = row.scores[name];
      const value = key[0] === "@" ? row.slices[name] : key[0] === "." ? row[name] : score && (score.error ? "error" : score.shown);
      const failed = key[0] === "=" && row.failed.includes(name);
      made.append(element("span", "small", `${(key[0] === "." && MEMBERS[name]) || name} `), element("span", failed ? "word fail" : "", (failed ? "✕ " : "") + (value ?? "–")));
      return made;
    });
  }

  function actions(row, made) {
    const place = found.indexOf(row);
    const bar = element("div", "actions");
    for (const [text, other] of [["◂ previous", place - 1], ["next ▸", place + 1]]) {
      const step = button(text, () => {
        made.open = false;
        show(found[other], text);
      });
      step.disabled = !found[other];
      bar.append(step);
    }
    bar.append(element("span", "small", `${place + 1} of ${found.length}`));
    const copying = button("copy", () => copy(rowText(row, data), copying));
    const link = element("a", "", "link to this row");
    link.href = `#rows?row=${row.position}`;
    bar.append(copying, link);
    if (data.traces && row.trace) {
      const trace = element("a", "", "trace in MLflow");
      trace.href = data.traces.replaceAll("{}", encodeURIComponent(row.trace));
      trace.rel = "noreferrer";
      bar.append(trace);
    }
    return bar;
  }

  // open a row of those found; `focused`: the text of the button to be on, else its line
  function show(row, focused) {
    while (found.indexOf(row) >= shown) showMore();
    const made = $("list").children[found.indexOf(row)];
    made.open = true;
    made.dispatchEvent(new Event("toggle")); // the browser's own comes later
    const buttons = [...made.querySelectorAll(".actions button:enabled")];
    const goal = buttons.find((each) => each.textContent === focused) || made.querySelector("summary");
    goal.focus({ preventScroll: true });
    made.scrollIntoView({ block: "start" });
  }

  function reset() {
    for (const id of Object.values(FIELDS)) if ($(id)) $(id).value = usual(id);
    $("reverse").setAttribute("aria-pressed", "false");
  }

  function note() {
    const said = new URLSearchParams();
    for (const [key, id] of Object.entries(FIELDS))
      if ($(id) && $(id).value !== usual(id)) said.set(key, $(id).value);
    if (isReversed()) said.set("reverse", "1");
    for (const box of document.querySelectorAll("#columns input:checked")) said.append("column", box.value);
    if (opened) said.set("row", opened.position);
    const asked = String(said) ? `#rows?${said}` : location.hash.startsWith("#rows?") ? "#rows" : location.hash;
    try {
      if (asked !== location.hash) history.replaceState(null, "", asked);
    } catch { /* a page without an address of its own */ }
  }

  // show what an address asks for, and put the focus there; whether it asks for anything
  function follow(hash) {
    const [place, asked] = hash.split("?");
    if (place !== "#rows" || asked === undefined) return false;
    const said = new URLSearchParams(asked);
    reset();
    for (const [key, id] of Object.entries(FIELDS)) {
      const value = said.get(key);
      if (!value || !$(id)) continue;
      $(id).value = value;
      // of rows that are not in this page
      if ($(id).value !== value) option($(id), value, value.replace(/^[=≠]/, ""));
      $(id).value = value;
    }
    $("reverse").setAttribute("aria-pressed", String(said.has("reverse")));
    if (said.has("column"))
      for (const box of document.querySelectorAll("#columns input")) box.checked = said.getAll("column").includes(box.value);
    apply();
    const number = Number(said.get("row"));
    const row = found.find((each) => each.position === number);
    if (row) show(row);
    else {
      if (number) $("count").textContent += `; row ${number} is not among them: rows.jsonl has all`;
      $("count").focus({ preventScroll: true });
      $("rows").scrollIntoView();
    }
    return true;
  }

  let waiting = 0;
  $("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(changed, 120);
  });
  for (const id of ["failed", "slice", "sort"]) if ($(id)) $(id).addEventListener("change", changed);
  $("reverse").addEventListener("click", () => {
    $("reverse").setAttribute("aria-pressed", String(!isReversed()));
    changed();
  });
  $("more").addEventListener("click", () => {
    const first = $("list").children.length;
    showMore();
    $("list").children[first].querySelector("summary").focus();
  });
  $("copy").addEventListener("click", () => copy(tabbed(rowsTable(found, data)), $("copy")));
  $("csv").addEventListener("click", () => download("rows.csv", csvOf(rowsTable(found, data))));
  for (const link of document.querySelectorAll("a.to-rows")) {
    const said = new URLSearchParams();
    if (link.dataset.failed) said.set("failed", link.dataset.failed);
    if (link.dataset.slice) said.set("slice", JSON.stringify(JSON.parse(link.dataset.slice)));
    link.href = `#rows?${said}`;
  }
  // Inside MLflow's viewer a link within the page leads nowhere by itself.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const isRows = link.hash.startsWith("#rows?");
    if (!isRows && window.top === window) return;
    event.preventDefault();
    try {
      if (link.hash !== location.hash) history.pushState(null, "", link.hash);
    } catch { /* a page without an address of its own */ }
    if (isRows) follow(link.hash);
    else $(link.hash.slice(1)).scrollIntoView();
  });
  addEventListener("hashchange", () => follow(location.hash));
  addEventListener("beforeprint", () => {
    while (shown < Math.min(found.length, PRINTED)) showMore();
    $("printed").textContent = shown < found.length
      ? `Printed are the first ${shown} of ${found.length.toLocaleString("en")} rows; search and filters choose others.`
      : `Printed are all ${found.length} of them.`;
  });
  $("choices").addEventListener("change", changed);
  if (!follow(location.hash)) apply();
})();
