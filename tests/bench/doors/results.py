"""What was measured, round by round, and what it must be."""

from doors.figures import Bound, ratios


class Results:
    """Samples by case (such as "relay, 16 connections"), figure and filter.
    The n-th samples of one case belong together: one round."""

    def __init__(self):
        self.samples = {}
        self.bounds = []

    def add(self, case, figure, name, value):
        figures = self.samples.setdefault(case, {})
        figures.setdefault(figure, {}).setdefault(name, []).append(value)

    def of(self, case, figure, name):
        return self.samples.get(case, {}).get(figure, {}).get(name, [])

    def bound_ratio(self, line, case, figure, name, over, **limit):
        """A bound on figure[name] / figure[over]; not measured if one of both
        was not."""
        above, below = self.of(case, figure, name), self.of(case, figure, over)
        values = ratios(above, below) if above and below else []
        claim = f"{case}: {figure}, {name} / {over}"
        self.bounds.append(Bound(line, claim, values, **limit))

    def bound_value(self, line, case, figure, name, **limit):
        claim = f"{case}: {figure}, {name}"
        self.bounds.append(
            Bound(line, claim, self.of(case, figure, name), **limit)
        )

    def broken(self):
        return [each for each in self.bounds if each.verdict == "BROKEN"]
