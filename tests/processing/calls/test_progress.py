"""What a job says of how far it is: the counts, and no time left before it can be known."""

from __future__ import annotations

import io
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout

import pytest

from processing.calls import progress as module
from processing.calls import progress_display
from processing.calls.progress import Progress
from processing.calls.progress_display import progress_shown
from processing.calls.progress_line import duration, progress_line
from processing.calls.spend import ENDPOINT, Spend
from processing.config.prices import Prices


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def begun(clock: Clock, rows: int = 1000, judges: int = 7, host: str = "") -> Progress:
    prices = {ENDPOINT: Prices(input_per_million=1.0, output_per_million=10.0)}
    return Progress(rows, judges, Spend(prices), host, clock.now, _changed=clock.now)


def come(progress: Progress, answers: int, verdicts: int, **what: bool) -> None:
    told = {"failed": False, "reused": False} | what
    for _ in range(answers):
        progress.answered(**told)
    for _ in range(verdicts):
        progress.judged(**told)


def run(progress: Progress, clock: Clock, seconds: int, answers: int, verdicts: int) -> list[str]:
    """So many a second; the line after each."""
    lines = []
    for _ in range(seconds):
        clock.now += 1
        come(progress, answers, verdicts)
        lines.append(progress_line(progress))
    return lines


def test_the_line_says_counts_rates_time_left_errors_tokens_and_cost(clock: Clock) -> None:
    progress = begun(clock)
    run(progress, clock, 20, answers=10, verdicts=40)
    come(progress, 0, 2, failed=True)
    progress.spend.add(ENDPOINT, calls=200, input_tokens=20_000, output_tokens=1_250_000)
    clock.now += 1
    come(progress, 10, 38)
    line = progress_line(progress)
    assert line == (
        "progress   13 %  answers 210/1000 10.0/s  verdicts 840/7000 40.0/s  left 2m34s  errors 2"
        "  tokens 20.0k in 1.2M out  cost 12.52"
    )


def test_the_time_left_is_not_told_before_it_is_known_and_then_it_is_right(clock: Clock) -> None:
    progress = begun(clock, rows=500, judges=1)
    lines = run(progress, clock, 3, answers=20, verdicts=20)
    assert not any("left" in line or "/s" in line for line in lines)
    for line in run(progress, clock, 20, answers=20, verdicts=20):
        found = re.search(r"left (\S+)", line)
        assert found
        done = re.search(r"answers (\d+)/500", line)
        assert done
        assert found[1] == duration((500 - int(done[1])) / 20)


def test_what_was_paid_for_earlier_does_not_make_the_rest_look_quick(clock: Clock) -> None:
    progress = begun(clock, rows=1000, judges=0)
    come(progress, 900, 0, reused=True)
    lines = run(progress, clock, 10, answers=5, verdicts=0)
    assert "left 10s" in lines[-1]
    assert "answers 950/1000 5.0/s" in lines[-1]
    assert "reused 900" in lines[-1]
    assert "verdicts" not in lines[-1]


def test_a_service_that_has_become_slower_shows_in_the_time_left(clock: Clock) -> None:
    progress = begun(clock, rows=10_000, judges=0)
    run(progress, clock, 60, answers=50, verdicts=0)
    line = run(progress, clock, 60, answers=5, verdicts=0)[-1]
    assert "answers 3300/10000 5.0/s" in line
    assert "left 22m20s" in line


def test_when_nothing_comes_any_more_it_says_so_instead_of_a_time(clock: Clock) -> None:
    progress = begun(clock)
    run(progress, clock, 20, answers=10, verdicts=40)
    lines = run(progress, clock, 75, answers=0, verdicts=0)
    assert "nothing came for 1m15s" in lines[-1]
    assert "left" not in lines[-1]


def test_rows_without_an_answer_need_no_verdict(clock: Clock) -> None:
    progress = begun(clock, rows=10, judges=2)
    come(progress, 2, 0, failed=True)
    come(progress, 8, 16)
    line = progress_line(progress)
    assert line.startswith("progress  100 %  answers 10/10  verdicts 16/16  all asked")
    assert "errors 2" in line


def test_an_instance_of_several_says_which_it_is_and_tells_its_own_share(clock: Clock) -> None:
    progress = begun(clock, rows=4, judges=0, host="algo-2")
    come(progress, 3, 0)
    assert progress_line(progress).startswith("progress algo-2   75 %  answers 3/4")


def test_services_without_a_price_are_named_beside_the_cost(clock: Clock) -> None:
    progress = begun(clock)
    progress.spend.add(ENDPOINT, calls=1, input_tokens=1000)
    progress.spend.add("judge-x", calls=1, input_tokens=1000)
    assert progress_line(progress).endswith("cost 0.0010 without judge-x")


def test_no_count_is_lost_between_threads() -> None:
    progress = Progress(4000, 1, Spend({}))
    with ThreadPoolExecutor(8) as pool:
        for _ in range(4000):
            pool.submit(progress.judged, failed=True, reused=False)
    come(progress, 4000, 0)
    assert progress.look().verdicts.done == progress.look().errors == 4000


@pytest.mark.slow
def test_lines_come_while_standard_output_is_redirected_and_none_after_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As MLflow's evaluate is run."""
    monkeypatch.setattr(progress_display, "FIRST_SECONDS", 0.05)
    monkeypatch.setattr(progress_display, "SECONDS", 0.05)
    progress, out = Progress(3, 0, Spend({})), io.StringIO()
    with redirect_stdout(out), progress_shown(progress), redirect_stdout(io.StringIO()):
        come(progress, 2, 0)
        time.sleep(0.4)
        come(progress, 1, 0)
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("progress   66 %  answers 2/3")
    assert re.match(r"progress  100 %  answers 3/3  took 0s  errors 0", lines[-2])
    assert lines[-1].startswith("spent: ")
    assert "progress" not in [thread.name for thread in threading.enumerate()]


def test_a_job_that_fails_says_how_far_it_came() -> None:
    progress, out = Progress(3, 0, Spend({})), io.StringIO()

    def fails() -> None:
        with progress_shown(progress):
            come(progress, 1, 0)
            raise KeyError

    with redirect_stdout(out), pytest.raises(KeyError):
        fails()
    [line, _] = out.getvalue().splitlines()
    assert line.startswith("progress   33 %  answers 1/3  stopped after 0s")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0s"), (59.4, "59s"), (59.6, "1m00s"), (3599, "59m59s"), (7500, "2h05m")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
