"""Surfaces of two columns in words: where they are high and low beyond noise, and how far rows bear them out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.core.wording import count, own_value
from perturbxai.results.amounts import Unit, called, joined, share
from perturbxai.results.surface_places import beside_rows, within_noise
from perturbxai.results.tidy import LEVEL, normal, student

if TYPE_CHECKING:
    from perturbxai.results.effect import Effect

FEW_ROWS = 5  # a cell: with fewer, errors of accumulated surfaces come out too small where a model jumps (see `Ale`)
Place = tuple[int, ...]


def of_surface(effect: Effect, k: int, unit: Unit, noun: str) -> list[str]:
    """What two columns do to output k: sentences. noun: what the model gives."""
    surface = np.where(beside_rows(effect), effect.values[..., k], np.nan)
    half = np.asarray(student(LEVEL, effect.df) * effect.stderr)[..., k]
    if effect.declared.accumulates:
        return _together(effect, k, unit, noun, surface, half)
    ends = [_place(surface, pick) for pick in (np.nanargmax, np.nanargmin)]
    reach, error = float(surface[ends[0]] - surface[ends[1]]), float(half[ends[0]] + half[ends[1]])
    what, size = f"{noun[0].upper()}{noun[1:]}", unit.change(reach, error, sign=False)
    if reach <= error or reach == 0:
        return [f"{what} moves by no more than noise ({size})."]
    high, low = (_at(effect, end) for end in ends)
    return [f"{what} is highest at {high} and lowest at {low}: {size} apart."]


def _together(effect: Effect, k: int, unit: Unit, noun: str, surface: Floats, half: Floats) -> list[str]:
    """What an accumulated surface (G1, G2), with half of its intervals, says of two columns."""
    names = joined([called(name) for name in effect.names])
    what = f"What {names} do together to {noun}, beyond what each does by itself,"
    n_rows = int(effect.counts.sum())
    there = f"{count(n_rows, 'row')} {'lies' if n_rows == 1 else 'lie'} in {count(effect.counts.size, 'cell')}"
    a_cell = effect.counts.sum() / effect.counts.size
    if a_cell < 1:  # what adds up are steps of single rows
        return [f"{what} is not told: {there}, which are too many. A smaller grid has rows in each."]
    found = _size(effect, k, unit, what, surface, half)
    if a_cell < FEW_ROWS:
        found.append(f"{there}, so few in each that the errors told may be too small. A smaller grid errs less.")
    if effect.extrapolated is not None and effect.extrapolated.any():
        filled = share(float(effect.extrapolated.mean()))
        found.append(f"No row lies in {filled} of the surface: it is filled in from beside.")
    return found


def _size(effect: Effect, k: int, unit: Unit, what: str, surface: Floats, half: Floats) -> list[str]:
    """Where it stands out of all noise at once, for among many places the largest noise would too, and in a typical row."""
    low, high = (np.where(np.isfinite(surface), end[..., k], np.nan) for end in effect.interval(simultaneous=True))
    sure = ((_place(low, np.nanargmax), low, "more"), (_place(-high, np.nanargmax), -high, "less"))
    places = [
        f"at {_at(effect, at)} ({unit.change(abs(float(surface[at])), float(half[at]), sign=False)} {way})"
        for at, end, way in sure if end[at] > 0
    ]  # fmt: skip
    typical = _typical(effect, k, unit)
    if places:
        noise = float(within_noise(effect, k)[np.isfinite(surface)].mean())
        rest = f"it is within noise at {share(noise) if noise else 'none'} of the places with rows."
        return [
            f"{what} stands out most {joined(places)}.",
            f"Over the rows it varies by {typical}; {rest}" if typical else rest[0].upper() + rest[1:],
        ]
    if typical:
        return [f"{what} varies by {typical} over the rows, but no single place is beyond noise."]
    ends = [_place(surface, pick) for pick in (np.nanargmax, np.nanargmin)]
    reach, error = float(surface[ends[0]] - surface[ends[1]]), float(half[ends[0]] + half[ends[1]])
    return [f"{what} moves by no more than noise ({unit.change(reach, error, sign=False)})."]


def _typical(effect: Effect, k: int, unit: Unit) -> str:
    """Its standard deviation over the rows, without its noise; nothing where that may be all there is, or is not known."""
    if effect.importance_stderr is None or effect.importance_bias is None:
        return ""
    found, half = effect.importance[k] - effect.importance_bias[k], normal(LEVEL) * effect.importance_stderr[k]
    return f"{unit.change(float(found), float(half), sign=False)} (standard deviation)" if found > half else ""


def _place(surface: Floats, pick: Callable[[Floats], np.intp]) -> Place:
    return tuple(int(i) for i in np.unravel_index(int(pick(surface)), surface.shape))


def _at(effect: Effect, place: Place) -> str:
    """The values of both columns at a point."""
    return " and ".join(
        f"{called(name)} = {own_value(axis[i], 4)}" for name, axis, i in zip(effect.names, effect.grid, place, strict=True)
    )
