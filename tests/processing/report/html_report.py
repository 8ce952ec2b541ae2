"""Evaluations, their report.html, and what is read of it: as its markup and in a browser."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
import random
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from browser import Browser
from judged_evaluation import judged_evaluation, numbers_of

from processing.calls.spend import Spend
from processing.config.gate import Slice, Threshold
from processing.config.prices import Prices
from processing.dataset.manifest import Counts, Manifest
from processing.dataset.rows import Row, Talk
from processing.dataset.turns import Turn
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call, MeasuredModel
from processing.endpoint.reply import Reply
from processing.evaluation.measurements import cut_answers
from processing.gate.scorer_record import ScorerRecord
from processing.mlflow_record.scores import Score, Scores
from processing.report.evaluation import Evaluation
from processing.report.evaluation_json import evaluation_document, write_document
from processing.report.html import write_html
from processing.report.provenance import Provenance
from processing.report.rows_file import write_rows

ATTACK = (
    "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\"> & $x^{"
)
"""What a model, a judge or a row may say: markup, a closing script, half a formula."""

JUDGES = (
    "Correctness", "Safety", "RelevanceToQuery", "Equivalence", "follows_objective",
    "concise_communication", "professional_tone", "no_harmful_advice", "empathy_and_clarity",
    "is_brief", "has_disclaimer", "Bias", "Faithfulness",
)  # fmt: skip
NUMBERS = (
    "rougeL_fmeasure", "ChrfScore", "BleuScore", "domain_terminology", "AnswerRelevancy",
    "coherence",
)  # fmt: skip
WORDS = re.findall(
    r"\w+",
    """the answer expected response states covers partly omits names agrees with says that a doctor
    should be seen when symptoms persist guideline satisfied because it is clear brief correct
    wrong missing context sentence repeats question objective tone calm polite professional dose""",
)
COHERENCE = {1.0: "coherent", 0.5: "somewhat <b>coherent</b>", 0.0: "incoherent"}


def prose(draw: random.Random, words: int) -> str:
    return " ".join(draw.choices(WORDS, k=words)).capitalize() + "."


def score(name: str, draw: random.Random, good: float, reason: int) -> Score:
    if draw.random() < 0.004:
        return Score(None, "error", None, "ThrottlingException: too many requests, 8 attempts")
    why = prose(draw, reason)
    if name in JUDGES:
        yes = draw.random() < good
        return Score(float(yes), "yes" if yes else "no", why, None)
    if name == "coherence":
        level = draw.choices([1.0, 0.5, 0.0], [good, 0.1, 0.05])[0]
        return Score(level, COHERENCE[level], why, None)
    value = min(max(draw.gauss(good - 0.3, 0.15), 0), 1)
    return Score(value, repr(value), None, None)


def evaluation(rows: int = 120, reason: int = 30, *, good: float = 0.9) -> Evaluation:
    """`rows` rows with 19 scorers; the 3rd says ATTACK wherever it can, the 5th got no answer."""
    draw = random.Random(7)
    answers = []
    for i in range(rows):
        texts = [prose(draw, words) for words in (10, 40, 30)]
        if i == 2:
            texts = [ATTACK] * 3
        row = Row(f"{i:016x}", texts[0], texts[2], None, {"topic": f"topic {i % 4}", "year": i % 2})
        if i == 7:
            row = replace(row, talk=Talk((Turn("user", "earlier <b>turn</b>"), Turn("tool", "15"))))
        reply = None if i == 4 else Reply(texts[1], draw.randint(8, 40), draw.randint(20, 90))
        if i == 2:
            reply = Reply(texts[1], 9, 9, reasoning=f"thinking {ATTACK}", stop_reason="length")
        error = "HTTP 503 <b>overloaded</b>" if i == 4 else None
        answers.append(Answer(row, {}, Call(reply, error, 1, draw.lognormvariate(6, 0.4), 0, 1)))
    scores: Scores = {
        answer.row.row_id: {name: score(name, draw, good, reason) for name in (*JUDGES, *NUMBERS)}
        for answer in answers
        if answer.call.reply
    }
    scores[answers[2].row.row_id]["Safety"] = Score(0.0, "no", ATTACK, None)
    scores[answers[2].row.row_id]["Correctness"] = Score(None, "error", None, ATTACK)
    return judged(answers, scores)


def judged(answers: list[Answer], scores: Scores) -> Evaluation:
    rows = len(answers)
    safety = [row["Safety"] for row in numbers_of(scores).values()]
    spend = Spend({"endpoint": Prices(input_per_million=1, output_per_million=2)})
    spend.add("endpoint", calls=rows, input_tokens=24 * rows, output_tokens=55 * rows)
    spend.add("us.judge-model", calls=13 * rows, input_tokens=9000 * rows, output_tokens=700 * rows)
    return judged_evaluation(
        answers,
        scores,
        {
            "Correctness": Threshold(min=0.95),
            "Safety": Threshold(min=0.8),
            "coherence": Threshold(min=0.7, tier="soft"),
            "rougeL_fmeasure": Threshold(min=0.5),
            "latency_p95_ms": Threshold(max=2000),
        },
        sliced=Slice(min_rows=5, thresholds={"Safety": Threshold(min=0.5)}),
        against=("Safety", 0.05, [(x, 1.0 if i % 12 else 0.0) for i, x in enumerate(safety)]),
        model=MeasuredModel("arn:endpoint", "<i>model</i>", "arn:model", "1"),
        endpoint_name="health-qa-candidate",
        execution_arn="arn:aws:sagemaker:us-east-1:123456789012:pipeline/health-qa/execution/abc",
        spend=spend,
        cut_answers=cut_answers(answers),
        number_rules=dict.fromkeys((*JUDGES, *NUMBERS), "yes = 1, no = 0"),
        provenance=Provenance(dt.datetime(2026, 11, 27, 18, 16, tzinfo=dt.UTC), MANIFEST, "good"),
        scorers={
            name: ScorerRecord("d" * 64, "bedrock:/judge" if name in JUDGES else None, 0, 1)
            for name in (*JUDGES, *NUMBERS)
        },
        traces={answer.row.row_id: f"tr-{answer.row.row_id}" for answer in answers},
    )


MANIFEST = Manifest(
    schema=1,
    source="s3://bucket/data/questions.csv",
    format="csv",
    files=[],
    seed=7,
    sample_size=120,
    counts=Counts(
        read=500, unusable=0, duplicates=0, conflicting_questions=0, usable=500, written=120
    ),
    unusable_by_reason={},
    unusable=[],
    duplicates=[],
    dropped_columns=[],
    slices={"topic": 4},
    has_context=False,
    sha256="d" * 64,
    shards=[],
    notes=[],
)


def written(folder: Path, found: Evaluation) -> Path:
    write_rows(found, folder)
    write_document(evaluation_document(found), folder)
    return write_html(folder)


class Page(HTMLParser):
    """The page's elements, its texts, and the texts of scripts and styles apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: dict[str, str] = {}
        self._raw = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._raw = f"{tag} {dict(attrs).get('id', '')}" if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self._raw = "" if tag in ("script", "style") else self._raw

    def handle_data(self, data: str) -> None:
        if self._raw:
            self.scripts[self._raw] = self.scripts.get(self._raw, "") + data
        else:
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(word for word in self.words if word)


def rows_in(report: Path) -> dict[str, Any]:
    packed = Page(report.read_text()).scripts["script data"]
    content: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(packed)))
    return content


COUNT = "document.getElementById('count').textContent"
OPEN_ALL = "document.querySelectorAll('#list details').forEach((row) => { row.open = true; })"


def choose(browser: Browser, field: str, value: str, event: str = "change") -> None:
    browser.run(
        f"(() => {{ const field = document.getElementById({json.dumps(field)});"
        f" field.value = {json.dumps(value)}; field.dispatchEvent(new Event({json.dumps(event)}));"
        " })()"
    )


def shown(browser: Browser) -> list[int]:
    """The positions of the rows that are shown, in their order."""
    found: list[int] = browser.run(
        "[...document.querySelectorAll('#list .place')].map((place) => Number(place.textContent))"
    )
    return found
