// Rows as text that leaves the page: copied, or as CSV.

// a line of headings, and a line for each row
function rowsTable(rows, data) {
  const slices = [...new Set(rows.flatMap((row) => Object.keys(row.slices)))].sort();
  const head = ["row", "id", "question", "answer", "expected", "error", "latency_ms", "tokens_in", "tokens_out",
    "failed", ...slices, ...data.scorers.flatMap((name) => [name, `${name}: why`])];
  const lines = rows.map((row) => [
    row.position, row.id, row.question, row.answer, row.expected, row.error, row.latency, row.tokensIn, row.tokensOut,
    row.failed.join(" "), ...slices.map((column) => row.slices[column]),
    ...data.scorers.flatMap((name) => {
      const score = row.scores[name];
      return score ? [score.error ? "error" : score.shown, score.error || score.reason] : [null, null];
    })]);
  return [head, ...lines];
}

// a spreadsheet would compute what begins so, and anybody may have written it
const harmless = (text) => /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? "'" + text : text;

function csvOf(table) {
  const cell = (value) => `"${harmless(String(value ?? "")).replace(/"/g, '""')}"`;
  return table.map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
}

// for pasting into a spreadsheet: a line each, whatever a text holds
function tabbed(table) {
  const cell = (value) => harmless(String(value ?? "").replace(/\s+/g, " "));
  return table.map((line) => line.map(cell).join("\t")).join("\n");
}

function rowText(row, data) {
  const said = Object.entries(row.scores).map(([name, score]) =>
    [`${name}: ${score.error ? "error" : score.shown}`, ...boundsOf(row, data, name), score.error || score.reason]
      .filter(Boolean).join(" | "));
  const parts = [["question", row.question], ["answer", row.error || row.answer || row.calls], ["expected", row.expected]];
  return [`row ${row.position}, ${rowFacts(row, data).join(", ")}`,
    ...parts.filter((part) => part[1]).map((part) => part.join(": ")), ...said].join("\n");
}

// The clipboard's interface is not there for a page inside MLflow's viewer; the old command is.
async function copy(text, pressed) {
  const before = pressed.textContent;
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const held = element("textarea");
    held.value = text;
    document.body.append(held);
    held.select();
    done = document.execCommand("copy");
    held.remove();
    pressed.focus();
  }
  pressed.textContent = done ? "copied" : "the browser refused";
  setTimeout(() => { pressed.textContent = before; }, 1500);
}

function download(name, text) {
  const link = element("a");
  // the mark at the beginning tells spreadsheets that it is UTF-8
  link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
