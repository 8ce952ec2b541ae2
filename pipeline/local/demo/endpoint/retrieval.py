"""How the demo endpoint finds an answer: two retrieval methods over a small knowledge base.

`good`  BM25 over stemmed words (Robertson and Zaragoza 2009, k1 1.2, b 0.75), the best sentences.
`worse` counts words that the start of the question shares with a passage, and then rambles on.

Both are real methods with real mistakes: nothing here has seen the expected answers. Each
knowledge.jsonl in a folder of examples/ is a knowledge base of its own, and so is a
knowledge_500.jsonl beside it. A passage with code ends with that code as a block; one time in three
the worse method's breaks off, as at a token limit.
"""

import json
import math
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pipeline.local.demo.text import sentences, terms, words

EXAMPLES = Path(__file__).parents[4] / "examples"
HEALTH_KNOWLEDGE = EXAMPLES / "health" / "knowledge.jsonl"

NO_ANSWER = "I have no information about that."
_K1, _B = 1.2, 0.75
_CONCISE_WORDS = 45
_FIRST_WORDS = 5
_RAMBLINGS = (
    "It is a subject that people have talked about for a very long time, and there is a lot that "
    "one could say about it from many different points of view.",
    "Of course everybody is different, and what is true for one person may or may not be quite as "
    "true for another person in another situation.",
    "There are many books, articles and programmes about this, and some of them say one thing "
    "while others say something else altogether.",
    "In general it is often a good idea to keep an open mind and to look at the whole picture "
    "rather than at one single detail.",
    "Many people find this interesting, and it comes up again and again in all sorts of "
    "conversations with family, friends and neighbours.",
)


@dataclass(frozen=True)
class Passage:
    """`code`, if any, is Python that belongs to the text."""

    id: str
    topic: str
    text: str
    code: str = ""


def read_knowledge(path: Path) -> list[Passage]:
    """Passages of a JSON Lines file with `id`, `topic`, `text` and perhaps `code`.

    Raises ValueError naming file and line for a line that is not such a passage.
    """
    passages = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            passages.append(Passage(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise ValueError(
                f'{path}, line {number}: want {{"id", "topic", "text"}}: {error}'
            ) from error
    if not passages:
        raise ValueError(f"{path} holds no passage: the demo endpoint has nothing to answer from")
    return passages


class Knowledge:
    """Passages, indexed once when the server starts."""

    def __init__(self, passages: list[Passage]) -> None:
        self.passages = passages
        self._words = [set(words(passage.text)) for passage in passages]
        self._counts = [Counter(terms(passage.text)) for passage in passages]
        self._lengths = [count.total() for count in self._counts]
        self._mean_length = sum(self._lengths) / len(passages)
        self._holders = Counter(term for count in self._counts for term in count)

    def idf(self, term: str) -> float:
        holders = self._holders[term]
        return math.log(1 + (len(self.passages) - holders + 0.5) / (holders + 0.5))

    def bm25(self, query: list[str], number: int) -> float:
        count, length = self._counts[number], self._lengths[number]
        norm = _K1 * (1 - _B + _B * length / self._mean_length)
        return sum(
            self.idf(term) * count[term] * (_K1 + 1) / (count[term] + norm)
            for term in query
            if term in count
        )

    def found(self, question: str, *, good: bool) -> list[tuple[Passage, float]]:
        """All passages with their score by the better or the worse method, the best first."""
        if good:
            query = terms(question)
            scores = [self.bm25(query, number) for number in range(len(self.passages))]
        else:
            start = set(words(question)[:_FIRST_WORDS])
            scores = [float(len(start & passage_words)) for passage_words in self._words]
        ranked = sorted(range(len(scores)), key=lambda number: -scores[number])
        return [(self.passages[number], scores[number]) for number in ranked]

    def good_answer(self, question: str) -> str:
        passage, score = self.found(question, good=True)[0]
        if not score:
            return NO_ANSWER
        return self._concise(passage.text, set(terms(question))) + _block(passage.code)

    def worse_answer(self, question: str) -> str:
        passage, _ = self.found(question, good=False)[0]
        rambling = " ".join([passage.text, *_ramblings(question)])
        return rambling + _block(_broken_off(passage.code, question))

    def _concise(self, text: str, query: set[str]) -> str:
        """The run of sentences, up to 45 words, that covers most of the query; longest wins."""
        parts = sentences(text)
        runs = [
            " ".join(parts[start:end])
            for start in range(len(parts))
            for end in range(start + 1, len(parts) + 1)
        ]
        short = [run for run in runs if len(run.split()) <= _CONCISE_WORDS]
        return max(
            short or parts,
            key=lambda run: (sum(self.idf(term) for term in query & set(terms(run))), len(run)),
        )


def example_knowledge() -> dict[str, Path]:
    """The knowledge of each folder of examples/, by the folder's name: `health`.

    What stands in the file's name behind `knowledge_` follows it: `health-500`.
    """
    paths = sorted(EXAMPLES.glob("*/knowledge*.jsonl"))
    return {"-".join([path.parent.name, *path.stem.split("_")[1:]]): path for path in paths}


def _ramblings(question: str) -> tuple[str, ...]:
    """None to five filler sentences; how many is settled by the question."""
    number = sha256(question.encode()).digest()[0] % (len(_RAMBLINGS) + 1)
    return _RAMBLINGS[:number]


def _broken_off(code: str, question: str) -> str:
    """One time in three only up to the last bracket that opens, so that none closes it."""
    breaks_off = sha256(question.encode()).digest()[1] % 3 == 0
    return code[: code.rfind("(") + 1] if breaks_off else code


def _block(code: str) -> str:
    return f"\n\n```python\n{code.strip()}\n```" if code else ""
