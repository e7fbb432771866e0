"""Rows or pictures as things that lie some way apart: by columns, by points that stand for them, by a user's measure."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from perturbxai.calls.grids import order_by_value
from perturbxai.calls.picture_features import Embed, features_of, pixels_of, points_by
from perturbxai.core import checks
from perturbxai.core.types import Codes, Data, Floats, Inputs, Ints, Layer, Picture, Weights
from perturbxai.inputs.background import points_of
from perturbxai.inputs.columns import plain_label
from perturbxai.inputs.gower import Gower, kernel_width
from perturbxai.inputs.pictures import as_pictures
from perturbxai.inputs.row_names import distinct, hash_rows
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.models.predictor import Predictor

ALIKE = 1e-9  # kernels that are nearer to one than this tell no two apart
ROUNDING = 1e-9  # of the largest distance: how far a measure may be from symmetric, and from 0 between a thing and itself


@dataclass(frozen=True, eq=False)
class Things:
    """Rows of a table, each once, or pictures, and which of the data they are.

    codes (R, D) of rows, None of pictures;  pictures: these, or None
    number (R,)  which of the data each is, the first of rows that are alike;  share (R,) weights that sum to one
    n_data, n_drawn  how many there are in the data, and how many of them were drawn, alike or not
    """

    number: Ints
    share: Weights
    n_data: int
    n_drawn: int
    space: TabularSpace | None = None
    codes: Codes | None = None
    pictures: tuple[Picture, ...] | None = None

    def labels(self, which: Ints) -> tuple[Hashable, ...]:
        """What these, numbers among them, are called."""
        names = None if self.space is None else self.space.labels
        return tuple(n if names is None else plain_label(names[n]) for n in self.number[which].tolist())

    def __len__(self) -> int:
        return len(self.number)

    def part(self, which: Ints) -> Things:
        """Some of them."""
        codes = None if self.codes is None else self.codes[which]
        pictures = None if self.pictures is None else tuple(self.pictures[i] for i in which)
        return Things(self.number[which], self.share[which], self.n_data, self.n_drawn, self.space, codes, pictures)

    def given(self) -> Any:
        """They, as the user has them: a table, or a list of pictures."""
        if self.codes is None or self.space is None:
            return list(self.pictures or ())
        return self.space.columns.decode(self.codes)


def things_of(data: TabularSpace | Inputs, most: int, rng: np.random.Generator) -> Things:
    """At most so many of the data, drawn by their weights where there are more; rows that are alike are one.

    Raises TypeError and ValueError for what is neither a table nor pictures, and for fewer than two.
    """
    if not isinstance(data, TabularSpace) and are_pictures(data):
        pictures = as_pictures(data)
        kept = np.arange(len(pictures))
        if len(kept) > most:
            kept = np.sort(rng.choice(len(pictures), most, replace=False))
        found = Things(
            kept, np.full(len(kept), 1.0 / len(kept)), len(pictures), len(kept), pictures=tuple(pictures[i] for i in kept)
        )  # fmt: skip
    else:
        found = _rows_of(data if isinstance(data, TabularSpace) else _space_of(data), most, rng)
    if len(found) < 2:
        what = "picture" if found.pictures is not None else "distinct row"
        stack = np.ndim(cast(Any, data)) == 3 and found.pictures is not None
        way = " Of a stack of grey pictures (N, H, W) give list(data)." if stack else ""
        raise ValueError(f"data holds {len(found)} {what}; give two or more, of which some may stand for the others.{way}")
    return found


def _space_of(data: Inputs) -> TabularSpace:
    try:
        return TabularSpace(cast(Data, data), background=1)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        way = "expected a table, px.TabularSpace(X), or several pictures"
        raise kind(f"data is {type(data).__name__}; {way}: {error}") from error


def _rows_of(space: TabularSpace, most: int, rng: np.random.Generator) -> Things:
    order = order_by_value(space.codes, space.weights)  # whatever the table's order
    order = order[space.weights[order] > 0]
    if len(order) > most:
        order = order[_in_proportion(space.weights[order], most, rng)]
        weight = np.full(most, 1.0 / most)
    else:
        weight = space.weights[order] / space.weights[order].sum()
    names, first, place = distinct(hash_rows(space.codes[order]))
    share: Weights = np.bincount(place, weights=weight, minlength=len(names)).astype(np.float64)
    number = np.full(len(names), len(space.codes))
    np.minimum.at(number, place, order)
    return Things(number, share, len(space.codes), len(order), space, space.codes[order[first]])


def _in_proportion(weights: Weights, n: int, rng: np.random.Generator) -> Ints:
    """(n,): numbers that are drawn by their weights, one that is as heavy as several as often as these, and the others once.

    Every n-th part of the weights, of all in random order, draws one: systematic sampling.
    """
    mixed = rng.permutation(len(weights))
    below = np.cumsum(weights[mixed] / weights.sum())
    at = (rng.random() + np.arange(n)) / n
    return np.sort(mixed[np.minimum(np.searchsorted(below, at, side="right"), len(mixed) - 1)])


def are_pictures(data: Any) -> bool:
    """Whether these are pictures: an array of more than two axes, or a list of such or of PIL pictures."""
    if isinstance(data, (list, tuple)):
        return bool(data) and (hasattr(data[0], "getbands") or getattr(data[0], "ndim", 0) >= 2)
    return hasattr(data, "getbands") or (getattr(data, "ndim", 0) >= 3 and not hasattr(data, "columns"))


@dataclass(frozen=True, eq=False)
class Likeness:
    """How far things lie apart.

    between  from two lots of things to distances (n, m)
    squares  whether a kernel takes the distance squared, as of points; else as it is
    points   of the things, where clusters have centres; else None
    definite whether kernels of these distances are positive definite; of a user's measure nobody knows
    """

    between: Callable[[Things, Things], Floats]
    squares: bool
    points: Callable[[Things], Floats] | None
    definite: bool = True

    def kernel(self, distance: Floats, width: float | None) -> tuple[Floats, float]:
        """exp(-d / width), or of points exp(-d^2 / (2 width^2)), and the width: the median distance where none is given."""
        wide = kernel_width(distance) if width is None else width
        with np.errstate(over="ignore"):  # farther than numbers go is as far as can be
            far = distance / wide
            found = np.exp(-0.5 * far**2) if self.squares else np.exp(-far)
        if width is not None and found.min() > 1.0 - ALIKE:
            most = float(distance.max())
            raise ValueError(f"kernel_width={width:g} makes all alike: the farthest lie {most:.3g} apart; leave it out.")
        return (found if self.definite else _definite(found)), wide


def _definite(kernel: Floats) -> Floats:
    """The kernel without the part of its spectrum that lies below zero, for which there is no space of mean points."""
    values, vectors = np.linalg.eigh((kernel + kernel.T) / 2.0)
    if values[0] >= -ROUNDING * values[-1]:
        return kernel
    lost = float(-values[values < 0].sum() / np.abs(values).sum())
    warnings.warn(
        f"the kernel of metric= is not positive definite: {lost:.2g} of its spectrum lies below zero and was left out. A "
        "smaller kernel_width= may mend it.",
        stacklevel=4,
    )
    kept = np.maximum(values, 0.0)
    return np.asarray((vectors * kept) @ vectors.T)


def likeness_of(things: Things, metric: Any, embed: Embed, layer: Layer | None) -> Likeness:
    """How far these things lie apart. Raises TypeError and ValueError for arguments that do not go together."""
    if layer is not None and not isinstance(embed, Predictor):
        raise ValueError(f"layer={layer!r} is of a network; give it as embed=px.Predictor(net, ...).")
    if embed is not None and not callable(embed):
        raise TypeError(
            f"embed is {type(embed).__name__}; expected a Predictor of a network, or a function to points (n, d)."
        )
    if not callable(metric):
        checks.one_of("metric", metric, ("gower",), ", or a function of two tables to distances (n, m)")
    elif embed is not None:
        raise ValueError("metric= and embed= both say how far two lie apart; give one of them.")
    if callable(metric):
        return Likeness(lambda a, b: _measured(metric, a, b), squares=False, points=None, definite=False)
    if embed is not None or things.space is None:
        points = _points(embed, layer)
        return Likeness(lambda a, b: euclidean(points(a), points(b)), squares=True, points=points)
    space = things.space
    apart = Gower.of(space.columns, space.codes)
    return Likeness(
        lambda a, b: apart(_codes(a), _codes(b)), squares=False,
        points=lambda those: points_of(_codes(those), space.columns.numeric),
    )  # fmt: skip


def _codes(things: Things) -> Codes:
    assert things.codes is not None  # of a table
    return things.codes


def _points(embed: Embed, layer: Layer | None) -> Callable[[Things], Floats]:
    """Points of things, each lot made once."""
    known: dict[int, tuple[Things, Floats]] = {}

    def made(those: Things) -> Floats:
        if isinstance(embed, Predictor):
            if those.pictures is None:
                raise TypeError(
                    "embed is a Predictor, whose layers see pictures, and data is a table; give a function of it."
                )
            return features_of(those.pictures, embed, layer)
        if embed is None:
            return pixels_of(those.pictures or ())
        return points_by(embed, those.given(), len(those))

    def points(those: Things) -> Floats:
        if id(those) not in known:
            known[id(those)] = those, made(those)  # which keeps the id its own
        return known[id(those)][1]

    return points


def euclidean(a: Floats, b: Floats) -> Floats:
    """(n, m): straight distances between points (n, d) and (m, d)."""
    from scipy.spatial.distance import cdist

    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"x and data have points of {a.shape[1]:,} and {b.shape[1]:,} numbers, which lie in no common space; crop and "
            "resize pictures alike, by px.fit(image, size), or mend embed=."
        )
    found = np.asarray(cdist(a, b))
    if not np.isfinite(found).all():
        raise ValueError(
            "points lie farther apart than numbers go; expected squares below 1e308: scale what embed= returns."
        )
    return found


def _measured(metric: Callable[[Any, Any], Any], a: Things, b: Things) -> Floats:
    """By a user's function, checked to be distances."""
    given = np.asarray(metric(a.given(), b.given()))
    if given.dtype.kind not in "biuf":
        raise ValueError(f"metric returned {given.dtype}; expected distances ({len(a)}, {len(b)}), from each to each.")
    found = given.astype(np.float64)
    if found.shape != (len(a), len(b)):
        raise ValueError(f"metric returned shape {found.shape}; expected distances ({len(a)}, {len(b)}), from each to each.")
    if not np.isfinite(found).all() or (found < 0).any():
        raise ValueError("metric returned values that are negative or not finite; expected distances.")
    if a is b:
        off = max(np.abs(found - found.T).max(), np.abs(np.diag(found)).max())
        if off > ROUNDING * max(1.0, found.max()):
            raise ValueError("metric is not symmetric, or not 0 from a thing to itself; expected distances.")
    return found
