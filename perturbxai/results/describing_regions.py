"""Regions of an effect in words: where rows agree, how much that explains, and whether chance would do as much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perturbxai.core.wording import own_value
from perturbxai.results.amounts import Unit, called, joined, share

if TYPE_CHECKING:
    from perturbxai.results.effect import Effect

SEVERAL = "The effect of"  # begins the sentence that tells regions
SMALL = 1e-9  # of the curve: rows that lie apart by less agree


def of_regions(effect: Effect, k: int, unit: Unit) -> list[str]:
    """What regions rows fall into for output k, or that they fall into none: sentences."""
    found = effect.regions
    assert found is not None  # or nobody would ask
    name = joined([called(one) for one in effect.names])
    apart = float(found.heterogeneity[k])
    size = float(np.nanmax(np.abs(effect.values[..., k]), initial=0.0))
    if apart <= SMALL * size:
        return ["Rows agree on it."]
    what = "curves" if found.of_curves else "steps"
    by = unit.change(apart, sign=False)
    if len(found.regions) == 1:
        where = "no condition on other features makes regions in which they agree"
        return [f"Rows' {what} lie {by} apart, and {where}{_why(effect)}."]
    parts = [f"{called(one.name, 80)} ({share(one.share)} of the rows)" for one in found.regions]
    count = len(found.regions)
    first = found.cuts[0]
    said = [
        f"{SEVERAL} {name} is not one but {_number(count)}: where {'; where '.join(parts)}.",
        f"Within these regions rows' {what} lie {unit.change(float(found.left[k]), sign=False)} apart, in all {by}: "
        f"{share(float(found.fall[k]))} of the squared disagreement is gone.",
        f"The first cut, at {called(first.name, 80)}, takes away {share(first.fall)} ({_share(first.honest)} from rows that "
        f"did not choose it); of cuts by chance 95 % take less than {_floor(first.floor)}.",
    ]
    return said + _each(effect, k, unit)


def _number(count: int) -> str:
    return {2: "two", 3: "three", 4: "four"}.get(count, str(count))


def _floor(floor: float) -> str:
    return share(floor) if floor >= 0.005 else "1 %"


def _why(effect: Effect) -> str:
    """Why the best cut was not made."""
    cuts = effect.regions.cuts if effect.regions is not None else ()
    if not cuts:
        return ""
    best, floor = cuts[0], _floor(cuts[0].floor)
    honest = f"{_share(best.honest)} from rows that did not choose it"
    taken = f"takes away {_share(best.fall)} ({honest}), and 95 % of cuts by chance take less than {floor}"
    return f": the best cut, at {called(best.name, 80)}, {taken}"


def _share(part: float) -> str:
    return share(part) if part > 0 else "nothing"


def _each(effect: Effect, k: int, unit: Unit) -> list[str]:
    """How far each region's own curve goes."""
    said = []
    for region, own in effect.groups.items():
        curve = own.values[..., k]
        known = np.flatnonzero(np.isfinite(curve))
        if len(effect.grid) > 1 or not known.size:
            continue
        points = own.grid[0]
        low, high = known[int(np.argmin(curve[known]))], known[int(np.argmax(curve[known]))]
        reach = unit.change(float(curve[high] - curve[low]), sign=False)
        ends = own_value(points[low], 4), own_value(points[high], 4)
        said.append(f"{called(region, 80)}: lowest at {ends[0]}, highest at {ends[1]}, {reach} apart.")
    return said
