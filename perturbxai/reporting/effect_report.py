"""A report of effects: every curve and surface as one tidy table, a figure of the curves, and one of each surface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from perturbxai.reporting.curves.view import Found
from perturbxai.reporting.plot import plot
from perturbxai.reporting.types import Figure

if TYPE_CHECKING:
    import pandas as pd

MOST_PANELS = 12  # on one page


def tables(found: Found) -> dict[str, pd.DataFrame]:
    """One line a method, column or pair, point and output (and group), with both 95 % bands."""
    import pandas as pd

    frames = [effect.to_frame() for methods in found.values() for effect in methods.values()]
    curves = [frame for frame in frames if "feature" in frame]
    surfaces = [frame for frame in frames if "feature" not in frame]
    named = {"effects": curves, "effects_of_pairs": surfaces}
    return {name: pd.concat(parts, ignore_index=True) for name, parts in named.items() if parts}


def figures(found: Found) -> Iterator[tuple[str, Figure]]:
    """(name, Figure): the columns' curves together, the most important ones where there are many, then pair by pair."""
    alone = [effect for names, methods in found.items() if len(names) == 1 for effect in methods.values()]
    if alone:
        yield "effects", plot(alone, top=MOST_PANELS)
    for names, methods in found.items():
        if len(names) == 2:
            yield "effects_" + "_".join(names), plot(list(methods.values()))


def metas(found: Found) -> Mapping[str, Any]:
    """What is known of the making of each method, for the manifest."""
    return {name: SimpleNamespace(meta=effect.meta) for methods in found.values() for name, effect in methods.items()}
