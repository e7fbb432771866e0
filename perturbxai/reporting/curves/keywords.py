"""Keywords for matplotlib that a user gives a partial dependence display: read under one name each, and tried out first."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from perturbxai.core.types import Floats

Words = dict[str, Any]
TRIED_ON: dict[str, Any] = {
    "contour_kw": ("contourf", [[0.0, 1.0], [1.0, 2.0]]), "heatmap_kw": ("imshow", [[0.0, 1.0]]),
    "bar_kw": ("bar", [0.0], [1.0]),
}  # fmt: skip


@dataclass(frozen=True)
class Keywords:
    """What the user wants of lines in general, of rows' curves, of averages, of contours, bars and heat maps."""

    line: Words = field(default_factory=dict)
    ice_lines: Words = field(default_factory=dict)
    pd_line: Words = field(default_factory=dict)
    contour: Words = field(default_factory=dict)
    bar: Words = field(default_factory=dict)
    heatmap: Words = field(default_factory=dict)

    def of_rows(self, *, beside_average: bool) -> Words:
        """For `Axes.plot`, a row's curve. Only the average has a label."""
        colour = "tab:blue" if beside_average else "C0"
        found = {"color": colour, "alpha": 0.3, "linewidth": 0.5, **self.line, **self.ice_lines}
        return {name: value for name, value in found.items() if name != "label"}

    def of_average(self, *, beside_rows: bool) -> Words:
        """For `Axes.plot`, an average."""
        own = {"color": "tab:orange", "linestyle": "--", "label": "average"} if beside_rows else {"color": "C0"}
        return {**own, **self.line, **self.pd_line}

    def of_bars(self) -> Words:
        """For `Axes.bar`."""
        return self.bar if {"color", "facecolor"} & set(self.bar) else {"color": "C0", **self.bar}

    def of_contours(self, levels: Floats, *, signed: bool) -> Words:
        """For `Axes.contourf`."""
        own: Words = {"alpha": 0.75, "levels": levels}
        if "norm" not in self.contour:
            own |= {"vmin": levels[0], "vmax": levels[-1]}
        if signed and "colors" not in self.contour:
            own["cmap"] = "RdBu_r"
        return {**own, **self.contour}

    def of_heatmap(self, *, signed: bool) -> Words:
        """For `Axes.imshow`."""
        return {"interpolation": "nearest", "aspect": "auto", "cmap": "RdBu_r" if signed else "viridis", **self.heatmap}


def read_keywords(**given: Mapping[str, Any] | None) -> Keywords:
    """Keywords by what they are of ("line_kw", ...), each under its long name, after they drew something elsewhere.

    Raises TypeError for what matplotlib does not know, for two names of one thing, and for what is no dictionary.
    """
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    named: dict[str, Any] = {"line_kw": Line2D, "ice_lines_kw": Line2D, "pd_line_kw": Line2D, "bar_kw": Rectangle}
    found = {}
    for name, words in given.items():
        if words is not None and not isinstance(words, Mapping):
            raise TypeError(f"{name}={words!r} must be a dictionary of matplotlib's keywords, or None.")
        try:
            found[name] = normalize_kwargs(dict(words or {}), named[name]) if name in named else dict(words or {})
            if found[name]:
                _try(name, found[name])
        except (AttributeError, TypeError) as error:
            raise TypeError(f"{name}={words!r} is nothing that matplotlib can draw with: {error}") from error
    return Keywords(**{name.removesuffix("_kw"): words for name, words in found.items()})


def _try(name: str, words: Words) -> None:
    """Draw something small, before a model is asked for hours."""
    from matplotlib.figure import Figure

    axis = Figure().add_subplot()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        draw, *numbers = TRIED_ON.get(name, ("plot", [0.0, 1.0], [0.0, 1.0]))
        getattr(axis, draw)(*numbers, **words)
