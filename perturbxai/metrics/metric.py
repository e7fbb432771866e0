"""A metric is a function whose arguments say what it is of: a map, coalitions and answers, curves, or two maps."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from perturbxai.core import catalogue, checks
from perturbxai.core.catalogue import HOME
from perturbxai.core.functions import name_of, read_only, takes
from perturbxai.metrics import agreement
from perturbxai.metrics.faithfulness import CURVES as CURVES

ON_COALITIONS = ("z", "answers", "weight")
MADE_AGAIN = ("neighbours", "steps", "reseeded", "randomised", "smoothed", "smoothed_randomised")
OF_A_MAP = (
    "values",
    "stderr",
    *ON_COALITIONS,
    *CURVES,
    "labels",
    "heat",
    "inside",
    "truth",
    *MADE_AGAIN,
    "road_most",
    "road_least",
    "prediction",
    "row",
    "output",
)
OF_TWO = ("left", "right")
DIRECTIONS = ("higher", "lower", "")
NOT_NAMES = ("method", "rows", "seconds", *agreement.IN_SUMMARY)  # columns of a summary beside the metrics


@dataclass(frozen=True)
class Metric:
    """What `compare` scores maps by, ours from the catalogue and a user's own alike.

    measure  a function that returns one number. What it takes, by name, of one map and output:
             values, stderr (P,)  the map;  z (T, P) bool, answers (T,), weight (T,) or None: coalitions that no
             compared result asked, the model's answers there, and their weights;  deletion, insertion (P + 1,): the model's
             answers as the best players are hidden first, or shown first;  prediction: the model's output at the input
             of pictures: labels (H, W), the player of each pixel;  heat (H, W), values spread evenly over their pixels;
             inside (H, W): where the evidence lies (`masks=`);  road_most, road_least (10,): the output as the best, or
             the worst players are painted over, from none to nine tenths of the area
             truth (P,): values that are known to be right (`truth=`)
             of the method asked again: reseeded (S, P), its maps under several seeds (`seeds=`);  neighbours (10, P), maps
             of inputs near by, and steps (10,), how far these lie;  randomised (4, P), maps of networks whose layers are
             drawn anew from the last to the first;  smoothed (P,), smoothed_randomised (4, P), these over noisy copies
             row, output: what the input and the output are called. Or, of two maps: left, right (P,), and labels
    takes    those that it names;  better: "higher", "lower", or "" where neither is
    """

    name: str
    measure: Callable[..., Any]
    takes: tuple[str, ...]
    better: str = ""

    @classmethod
    def of(cls, given: str | Callable[..., Any]) -> Self:
        """A metric of the catalogue by its name, or of a user's function with a name, and `better` if it has one.

        Raises TypeError for what is neither and for a function of other arguments, ValueError for a name that is taken.
        """
        if isinstance(given, str):
            measure = catalogue.load(catalogue.METRICS, given, "metric")
            return cls(given, measure, takes(measure, (*OF_A_MAP, *OF_TWO), "metrics"), catalogue.METRICS[given].better)
        if not callable(given):
            raise TypeError(f"metrics: {given!r:.80} is no metric; expected a name, or a function that returns a number.")
        name, better = name_of(given, "metrics", (*catalogue.METRICS, *NOT_NAMES)), getattr(given, "better", "")
        if name.endswith(HOME[1]):
            raise ValueError(
                f"metrics: {name!r} ends as the column of a metric under a map's own fill; call yours otherwise."
            )
        if not isinstance(better, str) or better not in DIRECTIONS:
            came = checks.as_given(better)
            raise ValueError(f'metrics: {name}.better={came}; expected "higher", "lower", or "" where neither is.')
        wanted = takes(given, (*OF_A_MAP, *OF_TWO), "metrics")
        if not wanted or (set(wanted) & set(OF_TWO) and set(wanted) - {"labels"} != set(OF_TWO)):
            raise TypeError(
                f"metrics: {name} takes {', '.join(wanted) or 'nothing'}; expected left and right, or some of "
                f"{', '.join(OF_A_MAP)}."
            )
        return cls(name, given, wanted, better)

    @property
    def of_two(self) -> bool:
        """Whether it compares two maps."""
        return "left" in self.takes

    @property
    def curves(self) -> tuple[str, ...]:
        return tuple(name for name in CURVES if name in self.takes)

    @property
    def on_coalitions(self) -> bool:
        """Whether it needs coalitions, and the model's answers there."""
        return any(name in self.takes for name in ON_COALITIONS)

    def __call__(self, offered: Mapping[str, Any]) -> float:
        """Its number. What it is given cannot be written to. Raises TypeError if it returns anything else."""
        found = self.measure(**{name: read_only(offered[name]) for name in self.takes})
        number = np.asarray(found)
        if number.ndim or number.dtype.kind not in "biuf":
            what = f"shape {number.shape}" if number.ndim else f"{type(found).__name__}"
            raise TypeError(f"metrics: {self.name} returned {what}; expected one number a map and output.")
        return float(number)


def read_metrics(metrics: str | Callable[..., Any] | Iterable[str | Callable[..., Any]] | None) -> list[Metric]:
    """What `metrics=` of compare stands for: names and functions, one or several, or None for the usual ones.

    Raises ValueError for unknown names, for none, and for two functions of one name; TypeError as `Metric.of` does.
    """
    several = [name for name, entry in catalogue.METRICS.items() if entry.usual] if metrics is None else metrics
    given = [several] if callable(several) else checks.several("metrics", several, "a name, a function, or several")
    unknown = [m for m in given if isinstance(m, str) and m not in catalogue.METRICS]
    if unknown or not given:
        what = f"{unknown} are not known" if unknown else "none is named"
        hint = checks.did_you_mean(unknown[0], catalogue.METRICS) if unknown else ""
        raise ValueError(f"metrics: {what}; expected some of {', '.join(catalogue.METRICS)}{hint or '.'}")
    found: dict[str, Metric] = {}
    for metric in map(Metric.of, given):
        if found.setdefault(metric.name, metric).measure != metric.measure:
            raise ValueError(f"metrics: two functions are called {metric.name!r}; call one of them otherwise.")
    return list(found.values())
