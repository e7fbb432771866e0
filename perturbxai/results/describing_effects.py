"""Curves, surfaces and interactions in words: where an effect rises and how far, whether rows disagree, where data are few.

Written for a reader who knows the table and no method. What noise could turn is not said, or said so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.types import Bools, Floats
from perturbxai.core.wording import count, own_value
from perturbxai.results.amounts import EXACT, Unit, called, joined, share
from perturbxai.results.describing_regions import of_regions
from perturbxai.results.describing_surfaces import of_surface
from perturbxai.results.tidy import LEVEL, normal, student

if TYPE_CHECKING:
    from perturbxai.results.effect import Effect
    from perturbxai.results.h_statistic import HStatistic

ONE_WAY = 0.15  # a curve rises if it nowhere falls back by more than this part of its range; rows that may go another way
DISAGREE = 0.5  # rows disagree if their curves lie apart by this part of the curve's own range
THIN_ROWS, THIN_RANGE = 0.025, 0.15  # few rows, spread over much of the range
STRONGEST = 3
STILL = "by more than noise"  # what sentences of a curve that may be flat have in common


def of_effect(effect: Effect, k: int) -> list[str]:
    """What a curve, a surface or a superpixel's opacity does to output k: sentences."""
    unit = Unit(str(effect.meta.get("scale", "")))
    of = f" of {called(effect.outputs[k])}" * (len(effect.outputs) > 1)
    noun = f"the {unit.noun}{of}"
    if effect.superpixel is not None:
        return _of_opacity(effect, k, unit, noun)
    curve = effect.values[..., k]
    if not np.isfinite(curve).any():
        return [f"What {_names(effect)} does to {noun} is not known."]
    if len(effect.grid) > 1:
        return [*of_surface(effect, k, unit, noun), *_note(effect)]
    if effect.declared.differential or effect.declared.curves == "derivative":
        return _of_slopes(effect, k, unit, noun)
    points = effect.grid[0]
    numbers = points.dtype.kind in "iufM" and len(points) > 2
    found = _of_numbers(effect, k, unit, noun) if numbers else _of_levels(effect, k, unit, noun)
    apart = _disagreement(effect, k, unit) if effect.regions is None else of_regions(effect, k, unit)
    return [*found, *apart, *(_thin(effect) if numbers else []), *_note(effect)]


def _names(effect: Effect) -> str:
    return joined([called(name) for name in effect.names])


def _note(effect: Effect) -> list[str]:
    n_rows = effect.meta.get("drawn_rows")
    alone = (
        "" if effect.declared.accumulates else " Other features stay as each row has them, however rare that is together."
    )
    return [f"This is the mean over {count(int(n_rows), 'row')}.{alone}"] if n_rows else []


def _half(effect: Effect) -> Floats:
    """(G..., K): half of the 95 % interval at each point."""
    return np.asarray(student(LEVEL, effect.df) * effect.stderr)


def _is_noise(effect: Effect, k: int, reach: float, error: float) -> bool:
    """Whether a curve may be flat for all that is known: its ends, and for PDP the whole of it, are not apart beyond noise.

    Of PDP an error at a point is mostly where the whole curve lies, which all points have in common: a column that adds the
    same to every row would be lost in it. What the curve varies over the data has an error without that.
    """
    if reach == 0:
        return True
    if reach > error:
        return False
    if effect.declared.accumulates or effect.individual is not None:
        return True
    if effect.importance_stderr is None or effect.importance_bias is None:
        return True
    found = float(effect.importance[k] - effect.importance_bias[k])
    noise = normal(LEVEL) * float(effect.importance_stderr[k])
    return not found > max(noise, EXACT * float(np.nanmax(np.abs(effect.values[..., k]))))


def _size(effect: Effect, k: int, unit: Unit, ends: tuple[int, int]) -> str:
    """How far the lowest and the highest point lie apart; no error is told that is no smaller, and so of something else.

    The two err together: rows with high answers have them everywhere. Where that is not known, their errors add up.
    """
    low, high = ends
    reach, half = float(effect.values[high, k] - effect.values[low, k]), _half(effect)[:, k]
    error = float(half[low] + half[high])
    if effect.reach_stderr is not None and not _missing(effect.grid[0][[low, high]]).any():
        df = np.broadcast_to(effect.df, effect.values.shape)[[low, high], k].min()
        error = min(error, float(student(LEVEL, df) * effect.reach_stderr[k]))
    return unit.change(reach, error if error < reach else np.inf, sign=False)


# ------------------------------------------------------------------------------------------------ a column


def _of_numbers(effect: Effect, k: int, unit: Unit, noun: str) -> list[str]:
    """A curve over numbers or moments: which way it goes, how far, and where most of it happens."""
    there = np.isfinite(effect.values[:, k]) & ~_missing(effect.grid[0])
    x, y, half = effect.grid[0][there], effect.values[there, k], _half(effect)[there, k]
    name = called(effect.names[0])
    low, high = int(np.argmin(y)), int(np.argmax(y))
    reach = float(y[high] - y[low])
    error = float(half[low] + half[high])
    if _is_noise(effect, k, reach, error):
        return [f"{name} does not move {noun} {STILL} ({unit.change(reach, error, sign=False)})."]
    ends = f"As {name} goes from {own_value(x[0], 4)} to {own_value(x[-1], 4)}, {noun}"
    size = _size(effect, k, unit, (int(np.flatnonzero(there)[low]), int(np.flatnonzero(there)[high])))
    for way, side in (("rises", y), ("falls", -y)):
        if _falls_back(side) <= ONE_WAY * reach:
            return [f"{ends} {way} by {size}{_mostly(x, np.abs(np.diff(y)))}."]
    for turn, first, then in ((high, "rises", "falls"), (low, "falls", "rises")):
        side = y if first == "rises" else -y
        if max(_falls_back(side[: turn + 1]), _falls_back(-side[turn:])) <= ONE_WAY * reach:
            at = own_value(x[turn], 4)
            return [f"{ends} {first} up to {name} = {at} and then {then}; highest and lowest are {size} apart."]
    top, bottom = own_value(x[high], 4), own_value(x[low], 4)
    return [f"{ends} goes up and down: it is highest at {top} and lowest at {bottom}, {size} apart."]


def _falls_back(y: Floats) -> float:
    """How far a curve falls, at most, from where it has been before."""
    return float((np.maximum.accumulate(y) - y).max())


def _mostly(x: Floats, steps: Floats) -> str:
    """The narrowest stretch of the axis in which half of the way is gone, where it is less than a third of the whole."""
    gone = np.concatenate([[0.0], np.cumsum(steps)])
    at = x.astype(np.float64) if x.dtype.kind != "M" else x.astype("datetime64[us]").astype(np.float64)
    best = None
    for start in range(len(at)):
        end = int(np.searchsorted(gone, gone[start] + 0.5 * gone[-1]))
        if end < len(at) and (best is None or at[end] - at[start] < at[best[1]] - at[best[0]]):
            best = start, end
    if best is None or at[best[1]] - at[best[0]] > (at[-1] - at[0]) / 3:
        return ""
    return f", half of it between {own_value(x[best[0]], 4)} and {own_value(x[best[1]], 4)}"


def _of_levels(effect: Effect, k: int, unit: Unit, noun: str) -> list[str]:
    """A curve over levels: which is highest, which lowest."""
    y, half = effect.values[:, k], _half(effect)[:, k]
    known = np.flatnonzero(np.isfinite(y))
    low, high = int(known[np.argmin(y[known])]), int(known[np.argmax(y[known])])
    name, reach, error = called(effect.names[0]), float(y[high] - y[low]), float(half[low] + half[high])
    if _is_noise(effect, k, reach, error):
        return [f"{name} does not move {noun} {STILL} ({unit.change(reach, error, sign=False)})."]
    top, bottom = (own_value(effect.grid[0][at]) for at in (high, low))
    higher = f"{_size(effect, k, unit, (low, high))} higher"
    return [f"{noun[0].upper()}{noun[1:]} is {higher} where {name} is {top} than where it is {bottom}."]


def _missing(points: NDArray[Any]) -> Bools:
    return np.array([own_value(one) == "missing" for one in points])


def _disagreement(effect: Effect, k: int, unit: Unit) -> list[str]:
    """Whether rows' own curves go another way than their mean."""
    curve = effect.values[:, k]
    reach = float(np.nanmax(curve) - np.nanmin(curve))
    if effect.individual is not None and len(effect.individual) > 1:
        low, high = int(np.nanargmin(curve)), int(np.nanargmax(curve))
        rise = effect.individual[:, high, k] - effect.individual[:, low, k]
        against = float((rise < 0).mean())
        return [f"For {share(against)} of the rows it goes the other way."] if against > ONE_WAY else []
    if effect.declared.accumulates and len(effect.counts) == len(curve) - 1:
        spread, weight = effect.heterogeneity[:, k], effect.counts / max(effect.counts.sum(), 1)
        apart, step = float(np.nansum(weight * spread)), float(np.nansum(weight * np.abs(np.diff(curve))))
        if step > 0 and apart > step:
            return ["Rows disagree: from step to step their own answers lie further apart than the mean moves."]
        return []
    if effect.declared.curves != "raw" and reach > 0:
        apart = float(np.nanmax(effect.heterogeneity[:, k]))
        if apart > DISAGREE * reach:
            far = unit.change(apart, sign=False)
            return [f"Rows disagree: their own curves lie up to {far} (standard deviation) from this mean."]
    return []


def _thin(effect: Effect) -> list[str]:
    """An end of the axis that is wide and holds few rows, and steps without a row."""
    points = effect.grid[0][~_missing(effect.grid[0])]
    counts = effect.counts[: len(points) - 1]
    if points.dtype.kind not in "iuf" or len(effect.counts) not in (len(effect.grid[0]), len(effect.grid[0]) - 1):
        return []
    found = []
    x, total, whole = points.astype(np.float64), max(int(effect.counts.sum()), 1), float(points[-1] - points[0])
    for way, said in ((1, "below"), (-1, "above")):
        held = np.cumsum(counts[::way]) / total
        n_thin = int((held <= THIN_ROWS).sum())
        edge = x[n_thin] if way == 1 else x[len(x) - 1 - n_thin]
        width = abs(edge - (x[0] if way == 1 else x[-1]))
        if n_thin and width >= THIN_RANGE * whole:
            n_rows = int(counts[::way][:n_thin].sum())
            found.append(f"{said} {own_value(edge, 4)} ({count(n_rows, 'row')} of {total:,})")
    return [f"Data are few {joined(found)}: there the curve is not to be relied on."] if found else []


def _of_slopes(effect: Effect, k: int, unit: Unit, noun: str) -> list[str]:
    y, half = effect.values[:, k], _half(effect)[:, k]
    known = np.flatnonzero(np.isfinite(y))
    steep = int(known[np.argmax(np.abs(y[known]))])
    at, way = own_value(effect.grid[0][steep], 4), "rises" if y[steep] > 0 else "falls"
    name, slope = called(effect.names[0]), unit.change(abs(float(y[steep])), float(half[steep]), sign=False)
    if abs(y[steep]) <= half[steep]:
        return [f"No slope of {noun} along {name} is beyond noise."]
    return [f"Along {name} {noun} {way} most steeply at {at}: by {slope} for one more of it."]


# ------------------------------------------------------------------------------------------------ photos


def _of_opacity(effect: Effect, k: int, unit: Unit, noun: str) -> list[str]:
    """What a superpixel does from hidden to whole."""
    pixel = effect.superpixel
    assert pixel is not None
    low, high = (float(end[k]) for end in pixel.interval())
    rise, name = float(pixel.rise[k]), called(effect.names[0])
    half = (high - low) / 2
    if np.isfinite(half) and low <= 0 <= high:
        return [f"Showing {name} does not move {noun} {STILL} ({unit.change(rise, half)})."]
    found = [f"Showing {name} {'raises' if rise > 0 else 'lowers'} {noun} by {unit.change(abs(rise), half, sign=False)}."]
    if np.isfinite(pixel.at_half[k]):
        found.append(f"Half of that is there at an opacity of {share(float(pixel.at_half[k]))}.")
    if np.isfinite(pixel.non_monotone[k]) and pixel.non_monotone[k] > ONE_WAY:
        found.append(f"In {share(float(pixel.non_monotone[k]))} of the pictures tried it goes both up and down on the way.")
    return found


# ------------------------------------------------------------------------------------------------ interactions


def of_h_statistic(found: HStatistic, k: int) -> list[str]:
    """Which features act together for output k, in units of the output: sentences."""
    unit = Unit(str(found.meta.get("scale", "")))
    of = f" of {called(found.outputs[k])}" * (len(found.outputs) > 1)
    values, strength = found.values[:, k], found.strength[:, k]
    pairs = [n for n, one in enumerate(found.features) if not isinstance(one, str)]
    sure = [n for n in pairs if values[n] > found.threshold[n, k]]
    order = sorted(sure, key=lambda n: -strength[n])
    if not pairs:
        alone = [n for n in range(len(values)) if values[n] > found.threshold[n, k]]
        names = [called(found.features[n]) for n in alone]
        return [f"{joined(names)} act together with others{of}." if names else f"No interaction{of} is beyond noise."]
    if not order:
        return [f"No pair of features acts together on the {unit.noun}{of} by more than so few rows show by chance."]
    said = []
    low, high = found.interval()
    for n in order[:STRONGEST]:
        part = f"{share(values[n], float(high[n, k] - low[n, k]) / 2)} of what they do"
        together = joined([called(name) for name in found.features[n]])
        said.append(f"{together} (about {unit.change(strength[n], sign=False)} in a typical row, {part})")
    head = f"On the {unit.noun}{of} these act together, the strongest first: {'; '.join(said)}."
    rest = len(pairs) - len(sure)
    others = f"{count(rest, 'pair')} that {'were' if rest > 1 else 'was'} looked at show{'s' * (rest == 1)}"
    return [head, *([f"The other {others} no more than chance."] if rest else [])]
