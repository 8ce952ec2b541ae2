// What a row's own members are called.
const MEMBERS = { latency: "latency (ms)", tokensIn: "tokens in", tokensOut: "tokens out", expected: "expected" };

// What the rows can be filtered and ordered by and shown with, each with the number of its rows.
function fillChoices({ scorers, rows }) {
  const [failed, differing] = [new Map(), new Map()];
  for (const row of rows) {
    for (const name of row.failed) failed.set(name, (failed.get(name) || 0) + 1);
    for (const name of Object.keys(row.people).filter((each) => differs(row, each)))
      differing.set(name, (differing.get(name) || 0) + 1);
  }
  for (const name of scorers) {
    if (failed.has(name)) option($("failed"), "=" + name, `${name} (${failed.get(name)})`);
    option($("sort"), "=" + name, name);
    if (differing.has(name)) option($("failed"), "≠" + name, `${name} and people differ (${differing.get(name)})`);
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
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row.slices)))].sort();
  const keys = [...Object.keys(MEMBERS).map((m) => "." + m), ...columns.map((c) => "@" + c), ...scorers.map((s) => "=" + s)];
  for (const key of keys) {
    const label = element("label");
    const box = element("input");
    box.type = "checkbox";
    box.value = key;
    label.append(box, " ", key[0] === "." ? MEMBERS[key.slice(1)] : key.slice(1));
    $("choices").append(label);
  }
}
