"""Long instructions of judges are sent so that Bedrock can cache them, and counted apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_stub import ANSWER, openai_served

from pipeline.local.demo.judge.model import JudgeModel
from pipeline.local.demo.judge.server import serve_judge
from processing.calls.spend import Spend
from processing.config.judge import Judge
from processing.config.prices import Prices
from processing.config.scorers import parse_scorer
from processing.judges.kept_replies import KeptReplies
from processing.judges.prompt_cache import LEAST_CHARACTERS, PROMPTS_SEEN, SharedPrefixes
from processing.judges.service import judge_lines
from processing.judges.verdict import Question
from processing.mlflow_record.judge_use import JudgeUse, judge_use, told_reused
from processing.scorers.build import build_scorers

LONG = "\n".join(
    f"Rule {n}: the answer keeps to fact number {n} of the handbook." for n in range(90)
)


@pytest.fixture(scope="module")
def bedrock() -> Iterator[None]:
    models = {
        "caches": JudgeModel(caches_from=1024),
        "wants-more": JudgeModel(caches_from=100_000),
        "has-none": JudgeModel(refuses=("caching",)),
        "knows-none": JudgeModel(refuses=("cache_point", "output_format")),
    }
    server = serve_judge(models=models)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield
    server.stop()


def scored(model: str, instructions: str, rows: int = 8) -> tuple[Spend, list[Any]]:
    spend, verdicts = judged(model, instructions, rows)
    return spend, [verdict.value for verdict in verdicts]


def judged(model: str, instructions: str, rows: int = 8) -> tuple[Spend, list[Any]]:
    """What one judge's verdicts on so many rows cost, and the verdicts."""
    template = f"{instructions}\nQuestion: {{{{ inputs }}}}\nAnswer: {{{{ outputs }}}}"
    levels = {"good": 1, "bad": 0}
    entry = {"strict": {"kind": "template", "template": template, "levels": levels}}
    prices = Prices(input_per_million=10, output_per_million=0, cached_input_per_million=1)
    spend = Spend({model: prices})
    judge = Judge(model=f"bedrock:/{model}")
    [built] = build_scorers([parse_scorer(entry)], judge, spend=spend)
    verdicts = []
    for n in range(rows):
        question = Question(f"What is fact {n}?", f"Fact {n} is {n}.", f"Fact {n} is {n}.", ())
        verdicts.append(built.score(question))
    return spend, verdicts


@pytest.mark.slow
@pytest.mark.usefixtures("bedrock")
def test_a_scorers_cost_is_that_of_the_spend_line() -> None:
    spend, verdicts = judged("caches", f"Of its own.\n{LONG}")
    used = JudgeUse()
    for verdict in verdicts:
        used += judge_use(verdict.metadata)
    account = spend.accounts["caches"]
    assert used.usage == account.usage
    assert used.cache_read_tokens > 0
    assert spend.prices["caches"].cost(used.usage) == pytest.approx(spend.cost("caches"))
    reused = judge_use(told_reused(verdicts[-1].metadata))
    assert reused.reused == reused.usage


@pytest.mark.slow
@pytest.mark.usefixtures("bedrock")
def test_what_all_prompts_begin_with_is_written_once_then_read_and_priced_apart() -> None:
    spend, values = scored("caches", LONG)
    account = spend.accounts["caches"]
    assert account.calls == 8
    assert None not in values
    assert account.cache_write_tokens > 1024
    # the first prompts are only looked at, the next one is written, all others are read
    assert account.cache_read_tokens == (8 - PROMPTS_SEEN - 1) * account.cache_write_tokens
    assert account.input_tokens > PROMPTS_SEEN * account.cache_write_tokens
    at_input_price = account.input_tokens + account.cache_write_tokens
    cost = (10 * at_input_price + account.cache_read_tokens) / 1_000_000
    assert spend.cost("caches") == pytest.approx(cost)
    assert f"{account.cache_read_tokens} read from cache" in spend.line()


@pytest.mark.slow
@pytest.mark.usefixtures("bedrock")
@pytest.mark.parametrize(
    ("model", "instructions"), [("caches", "Be strict."), ("wants-more", LONG)]
)
def test_where_nothing_is_cached_nothing_is_said_of_a_cache(model: str, instructions: str) -> None:
    spend, values = scored(model, instructions)
    account = spend.accounts[model]
    assert (account.cache_read_tokens, account.cache_write_tokens) == (0, 0)
    assert "from cache" not in spend.line()
    assert "cache_read_tokens" not in account.figures()
    assert None not in values


@pytest.mark.slow
@pytest.mark.usefixtures("bedrock")
@pytest.mark.parametrize(("model", "refused"), [("has-none", 1), ("knows-none", 2)])
def test_a_model_that_refuses_it_is_asked_without_it_once_refused(
    model: str, refused: int, capfd: pytest.CaptureFixture[str]
) -> None:
    spend, values = scored(model, LONG)
    assert None not in values
    assert spend.accounts[model].calls == 8 + refused
    told = [line for line in capfd.readouterr().err.splitlines() if "cachePoint" in line]
    assert len(told) == 1
    assert f"judge bedrock:/{model} does not take cachePoint and is asked without it" in told[0]


def test_a_price_for_the_cache_is_used_only_if_the_file_has_one() -> None:
    spend = Spend({"m": Prices(input_per_million=10, output_per_million=0)})
    spend.add("m", cache_read_tokens=100_000, cache_write_tokens=100_000)
    assert spend.cost("m") == 2
    prices = Prices(input_per_million=10, output_per_million=0, cache_write_per_million=12.5)
    spend = Spend({"m": prices})
    spend.add("m", cache_read_tokens=100_000, cache_write_tokens=100_000)
    assert spend.cost("m") == pytest.approx(1 + 1.25)


words = st.text("ab\n", min_size=0, max_size=40)


@given(st.lists(st.tuples(words, words), min_size=PROMPTS_SEEN + 1, max_size=12))
def test_the_cached_part_is_what_all_prompts_begin_with(rows: list[tuple[str, str]]) -> None:
    """Row's text before, within and after the long part; splits are always within all prompts."""
    prefixes = SharedPrefixes()
    prompts = [[("system", LONG), ("user", f"{LONG}\n{one}")] for one, _ in rows]
    prompts += [[("system", LONG + other), ("user", "x")] for _, other in rows]
    seen: list[list[tuple[str, str]]] = []
    for texts in prompts:
        split = prefixes.split("S", texts)
        seen.append(texts)
        if split is None:
            continue
        whole = [*texts[: split.messages]]
        part = texts[split.messages][1][: split.characters] if split.characters else ""
        assert sum(len(text) for _, text in whole) + len(part) >= LEAST_CHARACTERS
        for other in seen:
            assert [*other[: split.messages]] == whole
            assert not part or other[split.messages][1].startswith(part)


def test_prompts_of_rows_that_share_nothing_long_are_never_cached() -> None:
    prefixes = SharedPrefixes()
    for n in range(50):
        texts = [("user", f"Judge this.\nRow {n}: " + f"{n} " * 4000)]
        assert prefixes.split("S", texts) is None


@pytest.mark.slow
def test_what_an_openai_compatible_server_read_from_its_cache_is_counted_apart() -> None:
    usage = {"prompt_tokens": 31, "completion_tokens": 7}
    details = {"prompt_tokens_details": {"cached_tokens": 24}}
    spend = Spend({})
    with openai_served() as stub:
        stub.body = json.dumps({**ANSWER, "usage": usage | details}).encode()
        judge = Judge(model="openai:/m", base_url=f"{stub.url}/v1")
        [line] = judge_lines([judge], spend, 1, lambda _: KeptReplies())
        line.ask([{"role": "user", "content": "Are you there?"}], None)
    account = spend.accounts["m"]
    assert (account.input_tokens, account.cache_read_tokens) == (7, 24)
    assert "7 tokens in, 7 out, 24 read from cache, 0 written to it" in spend.line()
