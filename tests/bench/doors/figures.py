"""Medians of ratios, their intervals, and the bounds that they must keep."""

import dataclasses
import math
import statistics


def interval(values):
    """The 95 % interval of the median by order statistics, whatever the
    distribution; fewer than six values: all of them, which is less sure."""
    ordered = sorted(values)
    count = len(ordered)
    rank = 0  # of the lower end, from 0 on; the upper one is its mirror image
    outside = 1 / 2**count  # the chance that the median is below it
    while True:
        outside += math.comb(count, rank + 1) / 2**count
        if 2 * outside > 0.05:
            return ordered[rank], ordered[count - 1 - rank]
        rank += 1


def ratios(samples, over):
    """Pair by pair: both were measured in the same round."""
    return [a / b for a, b in zip(samples, over, strict=True)]


def short(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def spread(values):
    """Median and interval, as a table shows them."""
    low, high = interval(values)
    return f"{short(statistics.median(values))} ({short(low)}–{short(high)})"


@dataclasses.dataclass
class Bound:
    """`line`: of "What must be true" in the issue. It holds if the end of the
    interval that is nearer to the limit is within it."""

    line: str
    claim: str
    values: list  # one a round; empty: not measured
    most: float | None = None
    least: float | None = None

    @property
    def verdict(self):
        if not self.values:
            return "not measured"
        low, high = interval(self.values)
        kept = low <= self.most if self.least is None else high >= self.least
        return "holds" if kept else "BROKEN"

    @property
    def limit(self):
        if self.least is None:
            return f"≤ {self.most:g}"
        return f"≥ {self.least:g}"
