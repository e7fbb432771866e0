"""Comparison: what `compare` found, in tidy tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from perturbxai.calls import away
from perturbxai.calls.away import NO_FILL
from perturbxai.calls.describing_comparisons import of_comparison
from perturbxai.calls.seed_spread import seed_spread
from perturbxai.calls.versus import Versus
from perturbxai.calls.versus_call import versus_of
from perturbxai.core import catalogue
from perturbxai.core.methods import sees_fill
from perturbxai.core.wording import by_output, count, figure, listed, word
from perturbxai.inputs.spaces import ImageSpace, Input, Space
from perturbxai.metrics import agreement, faithfulness
from perturbxai.results import notebook
from perturbxai.results.explanation import Attribution
from perturbxai.results.tidy import Tidy

if TYPE_CHECKING:
    import pandas as pd


BACKGROUND = "background"


@dataclass(frozen=True, eq=False)
class Comparison(Tidy):
    """What `compare` found, in tidy tables.

    scores       one line a method, input, output, metric and scored fill; `home` if the map was explained under that fill;
                 of a method that draws, one for each `seed` that it was scored under, and <NA> of one that does not
    agreement    one line a pair of methods, input and output: spearman, top_k_iou
    costs        model rows and seconds a method; shared rows are named, not divided
    fill_spread  one line a pair of results of one method under two fills, input and output: how far the fill moves the map,
                 beside the noise of the coalitions drawn; see `metrics.agreement`
    curves       deletion and insertion, one line a step; faithfulness, one line a size of coalition that has enough. Inputs
                 that differ in players have other steps: `mean_curves()` averages them
    results      the maps themselves;  inputs: the players, per input, of the first fill;  call: rows and seconds spent here
                 (rows_of_redrawn beside them: what networks drawn anew were asked)
    reseeded     by name, results of the same methods under other seeds, where these were asked for; `scores` has each
    """

    scores: pd.DataFrame
    agreement: pd.DataFrame
    costs: pd.DataFrame
    fill_spread: pd.DataFrame
    curves: pd.DataFrame
    results: Mapping[str, Attribution]
    inputs: Sequence[Input]
    call: Mapping[str, Any] = field(default_factory=dict)
    reseeded: Mapping[str, tuple[Attribution, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        means = self.summary()
        scored = set(self.scores.metric)
        shown = [str(metric) for metric in means if metric in scored]
        told = [listed([f"{word(name)} {figure(mean)}" for name, mean in means[one].items()], longest=52) for one in shown]
        head = f"Comparison of {listed(list(self.results))} at {count(len(self.inputs), 'input')}"
        return by_output(head, shown, told.__getitem__, noun="metric")

    def _repr_html_(self) -> str:
        about = [count(len(self.results), "method"), count(len(self.inputs), "input")]
        return notebook.table("Comparison", about, self.summary().reset_index())

    def describe(self) -> str:
        """What it says in words, a sentence a line: which methods agree, which scores best beyond chance, what home adds."""
        return "\n".join(of_comparison(self))

    def to_frame(self) -> pd.DataFrame:
        """The scores, tidy."""
        return self.scores.copy()

    def mean_curves(self) -> pd.DataFrame:
        """Deletion and insertion, the mean over inputs, each read at the same shares; see `metrics.faithfulness`."""
        import pandas as pd

        return pd.DataFrame(faithfulness.mean_curves(self.curves))

    def summary(self) -> pd.DataFrame:
        """One line a method: each metric's mean over inputs, outputs and away fills; home beside it; rows and seconds.

        Pictures: "srg" is the mean over fills that are not the map's own, "srg (home)" that under its own. A map that knows
        no fill is never at home: it stands under the fills that the others are away under, and beside their home it shows
        its mean under those. Tables have one
        background, on which everything was explained, and plain names.
        Where a method was explained under several fills, three columns more, from `fill_spread`: "fill spread", the
        standard deviation of a value over the fills (root mean square over players, inputs, outputs; output units), "fill
        spread / noise", the same over the standard error from drawn coalitions, and "sign kept", the share that keeps its
        sign of the players whose 95 % interval excludes zero under both fills. A map that no fill enters has 0, 0 and 1.
        """
        import pandas as pd

        scores, home = self.scores, self.scores.home.astype(bool)
        fills = set(scores.scored_fill)
        beside = (scores.explained_fill == NO_FILL) & scores.scored_fill.isin(set(scores.scored_fill[home]))
        at_home = scores[home | beside].groupby(["method", "metric"]).value.mean()
        only = scores[~(home | beside)].groupby(["method", "metric"]).value.mean()  # of a single fill
        parts = []
        for means, ending in (
            (away.means(scores, ["method", "metric"]) if len(fills) > 1 else only, ""),
            (at_home, "" if fills == {BACKGROUND} else " (home)"),
        ):
            table = means.unstack()
            in_order = [m for m in dict.fromkeys([*catalogue.METRICS, *scores.metric]) if m in table]
            parts.append(table[in_order].add_suffix(ending))
        found = pd.concat(parts, axis=1).reindex(pd.Index(self.results, name="method"))
        if len(self.fill_spread):
            fill_free = [name for name, result in self.results.items() if explained_fill(result) == NO_FILL]
            moved = agreement.by_result(self.fill_spread, fill_free)
            found = found.join(pd.DataFrame.from_dict(moved, orient="index", columns=list(agreement.IN_SUMMARY)))
        return found.join(self.costs.set_index("method")[["rows", "seconds"]])

    def versus(
        self, against: str, *, metric: str | None = None, primary: Iterable[str] | None = None, margin: float | None = None,
        fill: str = "away", level: float = 0.95, seed: int = 0,
    ) -> Versus:  # fmt: skip
        """Every method set against one of them, by the same inputs: mean difference, interval, test, effect size, power.

        against  a method's name here, such as "grad_cam"
        metric   its name; None takes "srg", or "faithfulness" where that was not scored
        primary  the family that is tested, a name or several, to be named before looking; None takes those of the five usual
                 explainers that are here. All others are exploratory: they have intervals, and no p
        margin   above 0, in units of the metric: what difference does not matter. Adds the tests "no worse" and "equivalent"
        fill     pictures: "away", under fills that neither of the two was explained with (of one scored fill, that); "home",
                 under those that either was; or one fill's name. Both are always scored under the same fills
        level    of intervals;  seed: of the bootstrap's draws, 10,000

        The unit is the input: means over fills and seeds are taken within it, and its outputs are drawn together. An input
        where either method has a NaN is left out, and counted. Raises ValueError for names and metrics that are not here,
        for metrics of which neither high nor low is good, where methods share no fill, and for fewer than two inputs.
        """
        return versus_of(self, against, metric, primary, margin, fill, level, seed)

    def seed_spread(self) -> pd.DataFrame:
        """How far scores differ between inputs, and between the seeds an input was explained with.

        One line a method, output and metric: inputs, seeds (0 of a method that draws nothing), mean, sd_inputs, sd_seeds,
        and the intraclass correlation with its 95 % interval (icc, icc_low, icc_high), the share of the variance of one
        score that lies between inputs: near 1, another seed changes little; rows: what the method asked. Means over away
        fills are taken first. A method that draws nothing has sd_seeds 0 and icc 1; NaN is what cannot be known, as of one
        seed.
        Raises ValueError where scores know no seeds.
        """
        return seed_spread(self)


def explained_fill(result: Attribution) -> str:
    """The fill a map was explained under; "none" for maps that know no fill, "background" on tables."""
    if result.meta.get("space") == "table":
        return BACKGROUND
    return str(result.meta.get("fill")) if sees_fill(result.method) else NO_FILL


def fill_name(space: Space) -> str:
    """What tables call the absence of a space."""
    return str(space.meta["fill"]) if isinstance(space, ImageSpace) else BACKGROUND
