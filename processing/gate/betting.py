"""Whether a mean keeps a bound, decided while its rows come in: by betting against that it does.

A stake of 1 is bet, row after row, against the hypothesis; if that holds, no strategy makes the
capital grow in expectation, so that it ever reaches 1 / error with a probability of at most
`error`, however often one looks (Ville's inequality). Waudby-Smith and Ramdas, "Estimating means of
bounded random variables by betting", Journal of the Royal Statistical Society B 86 (2024) 1-27,
sections 4 and, for rows drawn without replacement from a finite dataset, 5: if the mean of all N
numbers is m, that of the next one is

    m_i = (N m - (x_1 + ... + x_{i-1})) / (N - i + 1)

and the capital is the product of 1 + lambda_i (x_i - m_i), lambda_i from the past alone. How much
is bet: their approximation of what makes the capital grow fastest ("aGRAPA").

**The rows have to come in a random order that was drawn beforehand.** Rows as they arrive are no
random draw: short answers arrive first, and long ones may be worse. So `SequentialTest` bets on the
drawn order alone, and on no row before all those ahead of it are settled. Rows that belong together
(`dataset.cluster`) do no harm: what is random here is the order, and not the rows.
"""

from __future__ import annotations

import math
from typing import Literal

from processing.config.gate import Rule
from processing.gate.worst_case import Scale

Outcome = Literal["refused", "passed"]

STAKED = 0.75
"""Of the capital at most this part is bet on one row, so that none loses it all."""
MOST = 1e4
"""The greatest lambda, where a bound lies at the scale's end: beyond it rounding would count."""
CERTAIN = 1e-8
"""By so much of the rows the sum has to pass the bound before no rest can make up for it."""


class SequentialTest:
    """One bound on the mean of `rows` numbers, and one outcome that can be decided early.

    Refused: it is as good as certain that the mean over all rows does not keep the bound; passed:
    that it does. If the truth is the other way round, this happens with a probability of at most
    `error`, over the drawn order of rows.

    A row that does not apply counts as the bound itself, which moves the sum of (x - bound) and so
    the outcome nowhere, and keeps the number of rows known. A row without a number counts as the
    worst where the mean has to pass, as in the gate. Where it is to be refused, nothing is bet on
    such a row and it counts as the bound: errors come at one time, as in an outage, and not at
    random among the rows, so that an early outage would refuse a good model. What is so refused the
    gate would refuse as well, as there these rows count as worse. Nor is anything bet on a refusal
    while the mean lies on the good side: with that the promise holds whenever the errors come.
    """

    def __init__(
        self, rows: int, rule: Rule, bound: float, scale: Scale, *, error: float, outcome: Outcome
    ) -> None:
        self._rows, self._outcome, self.error = rows, outcome, error
        self._scale, self._rule = scale, rule
        self._bound = self._share(bound)
        self._waiting: dict[int, tuple[float, bool]] = {}
        self._sum = self._squares = 0.0
        self._log_capital = 0.0
        self.used = 0
        """Rows of the gap-free beginning of the order, which alone are bet on."""
        self.decided = False
        self.decided_after: int | None = None

    @property
    def capital(self) -> float:
        return math.exp(min(self._log_capital, 700.0))

    @property
    def mean(self) -> float | None:
        """Of the rows used, on the scorer's scale; those without a number as they are counted."""
        if not self.used:
            return None
        share = self._sum / self.used
        width = self._scale.high - self._scale.low
        return self._scale.low + (share if self._rule == "min" else 1 - share) * width

    def settle(self, position: int, number: float | None, *, applies: bool = True) -> None:
        """The row at this place of the drawn order, from 0: a number, or None for none."""
        has_none = applies and (number is None or not math.isfinite(number))
        refusing = self._outcome == "refused"
        counted = self._bound if not applies or refusing else 0.0
        if applies and not has_none and number is not None:
            counted = min(max(self._share(number), 0.0), 1.0)
        if position >= self.used:
            self._waiting.setdefault(position, (counted, not (has_none and refusing)))
        while not self.decided and self.used in self._waiting:
            self._next(*self._waiting.pop(self.used))

    def _share(self, number: float) -> float:
        """On a scale of 0 to 1 on which more is better for the bound."""
        share = (number - self._scale.low) / (self._scale.high - self._scale.low)
        return share if self._rule == "min" else 1 - share

    def _next(self, x: float, bets: bool) -> None:
        """Both outcomes as one: on a refusal all is turned round, so that more is to be shown."""
        expected = (self._rows * self._bound - self._sum) / (self._rows - self.used)
        if bets:
            sign = 1.0 if self._outcome == "passed" else -1.0
            self._log_capital += math.log1p(self._stake(expected) * sign * (x - expected))
        self._sum += x
        self._squares += x * x
        self.used += 1
        self._decide()

    def _stake(self, expected: float) -> float:
        if self._outcome == "passed":
            most, growth = expected, self._growth(expected)
        elif self._sum > self.used * self._bound:
            return 0.0
        else:
            most, growth = 1 - expected, -self._growth(expected)
        if most <= 0 or growth <= 0:  # no row can be so good: `_decide` knows already
            return 0.0
        return min(growth, STAKED / most, MOST)

    def _growth(self, expected: float) -> float:
        """aGRAPA: (mean - m) / (variance + (mean - m)^2) of the past, with one row made up."""
        n = self.used + 1
        mean = (self._bound + self._sum) / n
        variance = max((self._bound**2 + 0.25 + self._squares) / n - mean**2, 1e-6)
        gap = mean - expected
        return gap / (variance + gap * gap)

    def _decide(self) -> None:
        """By capital, or because no rest of the rows can turn the outcome."""
        needed = self._rows * self._bound - self._sum
        left, hair = self._rows - self.used, CERTAIN * self._rows
        certain = needed < -hair if self._outcome == "passed" else needed > left + hair
        if certain or self._log_capital >= -math.log(self.error):
            self.decided, self.decided_after = True, self.used
            self._waiting.clear()
