// The rows side by side: filtered by how they changed, and shown a page at a time.
(async () => {
  const PAGE = 50;
  const { runs, scorers, rows } = await unpacked();

  rows.forEach((row, i) => {
    row.worst = i;
    const said = row.of.filter(Boolean).flatMap((one) => [
      one.answer, one.error, ...Object.values(one.scores).flatMap((s) => [s.reason, s.error])]);
    const preferred = Object.values(row.pairwise).flat().flatMap((one) => [
      one.shown, one.error, ...one.said.map((s) => s.why)]);
    row.searched = [row.id, row.question, row.expected, ...said, ...preferred]
      .filter(Boolean).join("\n").toLowerCase();
  });

  const changeOf = (row) => row.changes[$("run").value];
  let found = [];
  let shown = 0;
  let words = [];

  function matches(change, wanted) {
    if (!wanted) return true;
    if (wanted === "same") return change.state === "same" || change.state === "other answer";
    if (wanted === "other") return change.other;
    const [way, name] = wanted.split("=");
    return name ? change[way].includes(name) : change[way].length > 0;
  }

  // the choices, each with the number of its rows, for the run that is looked at
  function fillChanges() {
    const kept = $("change").value;
    for (const made of [...$("change").options])
      if (made.value.includes("=")) made.remove();
    const changed = rows.map(changeOf).filter(Boolean);
    for (const made of $("change").options)
      made.textContent = `${made.textContent.split(" (")[0]} (${changed.filter((c) => matches(c, made.value)).length})`;
    for (const way of ["worse", "better", "lost"])
      for (const name of scorers) {
        const n = changed.filter((c) => c[way].includes(name)).length;
        if (n) option($("change"), `${way}=${name}`, `${way}: ${name} (${n})`);
      }
    $("change").value = kept;
    if ($("change").selectedIndex < 0) $("change").value = "";
  }

  function apply() {
    words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = $("change").value;
    const order = $("sort").value;
    const all = rows.filter(changeOf);
    found = all
      .filter((row) => matches(changeOf(row), wanted) && words.every((w) => row.searched.includes(w)))
      .sort((a, b) => a[order] - b[order]);
    $("count").textContent = `${found.length.toLocaleString("en")} of ${all.length.toLocaleString("en")} rows`;
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

  function line(row) {
    const change = changeOf(row);
    const made = element("details", "row");
    const summary = element("summary");
    summary.append(element("span", "place", row.position));
    const texts = element("span", "texts");
    texts.append(marked(words, element("span", "question"), row.question || ""));
    const other = row.of[runs.indexOf($("run").value)];
    texts.append(other.error
      ? element("span", "word fail answer", "✕ " + other.error)
      : marked(words, element("span", "answer"), other.answer || ""));
    const chips = element("span", "chips");
    const moved = [
      ...change.worse.map((name) => element("span", "chip", "▼ " + name)),
      ...(other.error ? ["no answer"] : change.lost).map((name) => element("span", "chip", "✕ " + name)),
      ...[...change.better, ...change.found].map((name) => element("span", "chip up", "▲ " + name)),
    ];
    chips.append(...moved.slice(0, 4));
    if (moved.length > 4) chips.append(element("span", "small", `+ ${moved.length - 4}`));
    if (!moved.length) chips.append(element("span", "small", change.other ? "another answer" : "same answer"));
    summary.append(texts, chips);
    made.append(summary);
    made.addEventListener("toggle", () => {
      if (made.open && made.childElementCount === 1) made.append(details(row));
    });
    return made;
  }

  function details(row) {
    const made = element("div", "inside");
    made.append(...conversation(words, row.history));
    made.append(block(words, "question", row.question), block(words, "expected", row.expected));
    const answers = element("div", "answers");
    row.of.forEach((one, i) => {
      if (!one) return;
      const facts = `${one.latency === null ? "given" : `${Math.round(one.latency)} ms`}, ${one.tokensOut ?? "?"} tokens`;
      answers.append(one.error
        ? block(words, `${runs[i]}: no answer`, one.error, "failed")
        : block(words, `${runs[i]}: answer (${facts})`, one.answer));
    });
    made.append(answers);
    const said = Object.entries(row.slices).map((pair) => pair.join(" = "));
    made.append(element("p", "small break", [...said, row.id].join(" · ")));
    made.append(verdicts(row));
    const preferred = row.pairwise[$("run").value] || [];
    if (preferred.length) made.append(preferences(preferred));
    return made;
  }

  function verdicts(row) {
    const change = changeOf(row);
    const table = element("table", "compared");
    const head = element("tr");
    head.append(element("th", "", "scorer"), ...runs.map((label) => element("th", "", label)));
    const top = element("thead");
    top.append(head);
    const body = element("tbody");
    const rank = (name) => [change.worse, change.lost, change.better, change.found]
      .findIndex((names) => names.includes(name)) >>> 0;
    const names = scorers.filter((name) => row.of.some((one) => one && one.scores[name]));
    for (const name of names.sort((a, b) => rank(a) - rank(b))) {
      const worse = change.worse.includes(name) || change.lost.includes(name);
      const made = element("tr", worse ? "missed" : change.better.includes(name) ? "better" : "");
      const first = element("th", "", name);
      first.scope = "row";
      made.append(first, ...row.of.map((one, i) => said(one && one.scores[name], runs[i])));
      body.append(made);
    }
    table.append(top, body);
    return table;
  }

  // which answer each judge prefers, and why, in both orders
  function preferences(preferred) {
    const table = element("table", "compared");
    const body = element("tbody");
    const [first, other] = [runs[0], $("run").value];
    for (const one of preferred) {
      const made = element("tr", one.preferred === first ? "missed" : one.preferred === other ? "better" : "");
      const name = element("th", "", one.scorer);
      name.scope = "row";
      const cell = element("td", "said");
      cell.append(element("b", one.preferred ? "" : "word fail", one.shown));
      if (one.error && !one.said.length) cell.append(": ", marked(words, element("span", "word fail"), one.error));
      for (const order of one.said) {
        const line = element("div", "order");
        line.append(element("span", "small", `${order.order}: `), element("b", "", order.shown));
        if (order.why) line.append(" ", marked(words, element("span"), order.why));
        cell.append(line);
      }
      made.append(name, cell);
      body.append(made);
    }
    table.append(body);
    return table;
  }

  function said(score, label) {
    const made = element("td", "said");
    made.dataset.label = label;
    if (!score) {
      made.append(element("span", "small", "–"));
      return made;
    }
    made.append(element("b", score.error ? "word fail" : "", score.error ? "error" : score.shown));
    const why = score.error || score.reason;
    if (why) made.append(" ", marked(words, element("span", score.error ? "word fail" : ""), why));
    return made;
  }

  let waiting = 0;
  $("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 120);
  });
  for (const id of ["change", "sort"]) $(id).addEventListener("change", apply);
  $("run").addEventListener("change", () => {
    fillChanges();
    apply();
  });
  $("more").addEventListener("click", showMore);
  for (const button of document.querySelectorAll("button.link"))
    button.addEventListener("click", () => {
      $("search").value = "";
      $("run").value = button.dataset.run;
      fillChanges();
      $("change").value = button.dataset.change;
      apply();
      $("rows").scrollIntoView();
    });
  fillChanges();
  apply();
})();
