"""effects(): curves and surfaces of columns of a table, curves of a photo's superpixels, from one set of questions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from perturbxai.calls.arguments import check_asked, name_methods
from perturbxai.calls.effect_jobs import EffectsCall, Feature
from perturbxai.calls.grids import draw_rows, group_rows, is_by_value, make_axis, most_points, varies
from perturbxai.calls.photo_effects import photo_effects
from perturbxai.core import catalogue, checks
from perturbxai.core.types import Codes, Column, Features, Floats, Grid, Inputs, Outputs, Weights
from perturbxai.estimation.curves.axes import Axis
from perturbxai.estimation.curves.grid_tables import FromGrid
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import Space, TabularSpace
from perturbxai.models.predictor import Predictor
from perturbxai.results.effect import Effect, EffectKey
from perturbxai.sampling.streams import Streams

DRAWN_ROWS = 1000
BINS = 40


def effects(
    methods: str | FromGrid | Sequence[str | FromGrid],
    predictor: Predictor,
    space: Space,
    x: Inputs,
    *,
    features: Features | None = None,
    rest: str = "uniform",
    outputs: Outputs | None = None,
    grid: Grid | None = None,
    rows: int | None = None,
    by: Column | None = None,
    seed: int = 0,
) -> dict[str, dict[EffectKey, Effect]]:
    """The effects of columns of a table, alone or in pairs, or of a photo's superpixels: PDP, ICE, ALE, all outputs at once.

    methods    "pdp", "ice", "ale", or objects with options: px.Pdp(curves="centred"), px.Ice(curves="centred"),
               px.Ale(bands_for="population"). All of a call read the same answers: ICE on the grid holds PDP and ALE too
    predictor  the model;  space  the table's columns; its weights count where x is the table of the space
    x          the data (N, D): effects are averages over its rows; or one photo, of which more below
    features   names or numbers of columns (from the end if negative), or tuples of two for surfaces (so a tuple is one pair,
               but where columns are called by tuples), or a mask of truth values, one a column; None means each column that
               varies. Groups of the space are no columns: name the columns
    outputs    names or numbers; None means all up to 20, else the five highest at the first row
    grid       how many bins of alike many rows (so up to grid + 1 points), None for 40; a mapping from a column's name to a
               number of bins or to the points themselves, 40 for those not named. Whole numbers of at most grid + 1 values,
               numbers of at most 20 values that repeat, truth values, categories and strings are taken value by value: those
               that drawn rows have, or those levels that are named as points; rows of other levels then have no place
    rows       at most so many model rows, spent on as many rows of x as they pay for; None: at most 1,000 rows of x
    by         a column: effects also for the rows of each of its (at most 20) values, from the same answers, as `groups`
    seed       of the draw of rows, and of the draws behind simultaneous bands

    A row of x costs as many model rows as its grid has points; where only "ale" is asked two (three at a level; four to
    nine in a pair; all levels of a column without an order). Rows on the grid are not looked for among each other. Memory
    holds counts, sums and second moments, and the curves of at most `ice_rows` rows if "ice" is asked.

    On a photo the feature is a superpixel's opacity: 0 shows the fill, 1 the photo. The other superpixels are whole or
    hidden as M reference rows say, which come in antithetic pairs (40 rows unless `rows` pays for others). `individual` are
    these rows' curves, PDP is their mean; ALE accumulates, from 0 at the fill, the mean steps within bins of the rows whose
    t lies in the bin. `superpixel` of an effect has the rise from 0 to 1 with its error (pairs are the clusters), and the
    curve's shape in numbers.
    A half transparent region is a picture that no camera takes. It often has its full effect at low opacity already: the
    curve shows how soon the region is detected, not how much of it matters. The rise compares whole with hidden, as LIME
    and SHAP do. Look at both under two fills.

    rest       what the others show: "uniform", each whole with probability t, t uniform (PDP's rise is the Shapley value);
               "half", with probability 1/2 (Banzhaf); "present", all whole (occlusion); "absent", all hidden (inclusion);
               "fade", all at opacity t: ALE's rise is then the Aumann-Shapley value (integrated gradients, summed over the
               superpixel, without a gradient), which sums to the gain of the photo over its fill up to O(1 / grid^2)
    features   superpixels by name or number: these alone. None: all that the fill changes (the others are named in
               `meta["merged"]`); whole curves for the 8 that lead, two ends for the rest (of ALE whole curves for all)
    grid       how many bins of opacity, all alike; None for 5
    rows       at most so many model rows in all. Whole curves cost (grid + 1) M a superpixel, the rises of all P superpixels
               M (P + 1), "ale" alone 2 M P; nothing is asked twice
    With all superpixels asked, `meta["gap"]` is what their rises leave of the photo's gain over its fill. For PDP with
    "uniform" it is noise; for ALE it need not be small.

    Returns a mapping from method to a mapping from column (or pair of names, or superpixel) to Effect. `meta["rows"]` is
    what an effect takes (of a photo what all superpixels of a method do), with what is asked once a call: the first row of
    x, which tells the outputs; v(nothing) and v(N) of a photo.
    Raises ValueError or TypeError, before the model is asked, for unknown, constant or repeated columns, options that do not
    go with them, a grid below 2 bins, x with other columns, several photos, and rows that pay for too few; ModelError if
    the model fails on the way, with what was finished in `partial`.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> found = effects(["pdp", "ale"], Predictor(lambda X: 3 * X[:, 0] + X[:, 1] ** 2), TabularSpace(X), X)
    >>> ale = found["ale"]["x0"]
    >>> bool(np.allclose(np.diff(ale.values[:, 0]), 3 * np.diff(ale.grid[0])))
    True
    """
    named = name_methods(methods, catalogue.CURVES, FromGrid)  # type: ignore[type-abstract]
    checks.refuse_missing(rest=rest)
    check_asked(predictor, space)
    if not isinstance(space, TabularSpace):
        if by is not None:
            raise ValueError(f"by={by!r} is a column of a table, and x is a photo; leave it out.")
        return photo_effects(named, predictor, space, x, features, rest, outputs, grid, rows, checks.seed(seed))
    if rest != "uniform":
        raise ValueError(f"rest={rest!r} is about the other superpixels of a photo, and x is a table; leave it out.")
    streams = Streams(checks.seed(seed))
    codes = space.columns.encode(x, "x")
    if len(codes) < 2:
        raise ValueError(f"x has {len(codes)} row(s); an effect is a mean over rows, give at least two.")
    with_points = [name for name, one in grid.items() if np.ndim(one)] if isinstance(grid, Mapping) else []
    wanted = read_features(features, space, codes, [_column(name, space, "grid") for name in with_points])
    grids = _grids(BINS if grid is None else grid, space, wanted)
    levels = [space.columns.names[f[0]] for f in wanted if not space.columns.numeric[f[0]]]
    for key, method in named.items():
        method.check_features(key, any(len(f) == 2 for f in wanted), levels)
    group_column = None if by is None else _column(by, space, "by")
    codes, weight = weighted_rows(space, codes)
    most = _rows_of_x(rows, named, wanted, grids, space, codes)
    drawn = draw_rows(codes, weight, most, streams.of_call("rows"))
    groups = {} if group_column is None else group_rows(drawn, space.columns, group_column)
    axes = {c: make_axis(drawn, codes[:, c], space.columns, c, grids[c]) for c in dict.fromkeys(sum(wanted, ()))}
    if features is None:  # a rare level may be in x, but in no drawn row
        wanted = [feature for feature in wanted if axes[feature[0]].n_known > 1]
        axes = {c: axes[c] for (c,) in wanted}
    _check_axes(axes, named)
    if any(m.differential for m in named.values()):
        predictor.check_gradient(space.columns.plain(drawn.codes[:1]))
    # only curves of single rows are labelled
    given = space.columns.row_labels(x, len(codes))
    labels = given if any(m.keeps_rows for m in named.values()) else ()
    game = Game(predictor, space, space.columns.decode(codes[:1]), outputs, label=given[0])
    with predictor.watched("effects"):
        return EffectsCall(named, game, streams, drawn, groups, labels, rows).run(wanted, axes)


def _column(one: Any, space: TabularSpace, what: str) -> int:
    """The number of a column, by name or number. Raises ValueError for one that is not there."""
    found, names = space.columns.find(one), space.columns.names
    if found is not None:
        return found
    if str(one) in space.names:
        raise ValueError(f"{what}: {one!r} is a group of columns; a curve is of one, name the columns themselves.")
    shown = ", ".join(map(repr, names[:8])) + ("." if len(names) < 9 else " ...")
    raise ValueError(f"{what}: {one!r} is not a column of x{checks.did_you_mean(one, names) or f'; x has {shown}'}")


def read_features(features: Any, space: TabularSpace, codes: Codes, pointed: Collection[int] = ()) -> list[Feature]:
    """Numbers of the columns, alone or in pairs, each once. Raises ValueError for unknown, constant and repeated ones.

    pointed  columns whose points are given: these vary, even if the column does not
    """
    constant = [c for c in range(codes.shape[1]) if not varies(codes[:, c])]
    if endless := [space.columns.names[c] for c in range(codes.shape[1]) if np.isinf(codes[:, c]).any()]:
        raise ValueError(f"x has infinite values in {endless[0]!r}, which have no place on a grid; leave these rows out.")
    if features is None:
        found: list[Feature] = [(c,) for c in range(codes.shape[1]) if c not in constant]
        if not found:
            raise ValueError("x has the same values in all rows, so no column has an effect; give rows that differ.")
        return found
    given: list[Any] | None = space.columns.read_mask(features, "features")
    if given is None and not isinstance(features, (str, int, np.integer, Iterable)):
        raise TypeError(f"features={features!r}; expected a column, or a list of columns and pairs of them.")
    if given is None:
        given = [features] if isinstance(features, (str, int, np.integer, tuple)) else list(features)
    if not given:
        raise ValueError("features is empty; name at least one column, or leave it out for all.")
    found = []
    for one in given:
        pair = isinstance(one, tuple) and space.columns.find(one) is None  # a MultiIndex names columns by tuples
        feature = tuple(_column(c, space, "features") for c in (one if pair else (one,)))
        if len(feature) > 2 or not feature:
            raise ValueError(f"features: {one!r} has {len(feature)} columns; expected one, or two for a surface.")
        if len(set(feature)) < len(feature):
            raise ValueError(f"features: {one!r} names the same column twice; a pair needs two.")
        for c in feature:
            if c in constant and c not in pointed:
                raise ValueError(
                    f"features: the column {space.columns.names[c]!r} has a single value in x, along which nothing can "
                    "vary; leave it out."
                )
        found.append(feature)
    return list(dict.fromkeys(found))


def _grids(grid: Any, space: TabularSpace, wanted: Sequence[Feature]) -> dict[int, int | Floats]:
    """By column: a number of bins, or the points in codes."""
    given = {_column(name, space, "grid"): value for name, value in grid.items()} if isinstance(grid, Mapping) else {}
    found: dict[int, int | Floats] = {}
    for c in dict.fromkeys(sum(wanted, ())):
        one = given.get(c, BINS) if isinstance(grid, Mapping) else grid
        name = space.columns.names[c]
        if np.ndim(one) == 0:
            if not checks.is_whole(one) or one < 2:
                raise ValueError(f"grid={one!r} for {name!r} must be a whole number of bins from 2 up, or the points.")
            found[c] = int(one)
            continue
        points = space.columns.encode_values(c, one)
        if not space.columns.numeric[c]:
            found[c] = _some_levels(points, one, name)
            continue
        if len(points) < 2 or not np.isfinite(points).all() or (np.diff(points) <= 0).any():
            raise ValueError(f"grid: the points of {name!r} must be at least two finite values that rise; got {one!r}.")
        found[c] = points
    return found


def _some_levels(codes: Floats, given: Any, name: str) -> Floats:
    """(G,) ascending codes of levels that are named in place of all."""
    points = np.unique(codes)
    if len(points) < 2 or len(points) < len(codes):
        raise ValueError(f"grid: the points of {name!r} must be at least two of its levels, each once; got {given!r}.")
    return np.asarray(points)


def _check_axes(axes: Mapping[int, Axis], named: Mapping[str, FromGrid]) -> None:
    for axis in axes.values():
        if axis.n_known < 2:
            raise ValueError(
                f"features: the column {axis.name!r} has a single value among the drawn rows; ask for more rows, "
                "or leave it out."
            )
        for key, method in named.items():
            if method.differential and axis.by_level:
                raise ValueError(
                    f"{key}: {axis.name!r} is taken value by value, along which there is no derivative; "
                    "name columns of many numbers, or take differential=False."
                )


def weighted_rows(space: TabularSpace, codes: Codes) -> tuple[Codes, Weights]:
    """The coded rows and their weights (N,): those of the space where x is its table, else equal ones."""
    pairs = zip(codes.T, space.codes.T, strict=True)  # column by column: a large table is not copied to be compared
    if codes.shape == space.codes.shape and all(np.array_equal(one, other, equal_nan=True) for one, other in pairs):
        return space.codes, space.weights
    return codes, np.full(len(codes), 1.0 / len(codes))


def _rows_of_x(
    rows: Any, named: Mapping[str, FromGrid], wanted: Sequence[Feature], grids: Mapping[int, Any], space: TabularSpace,
    codes: Floats,
) -> int:  # fmt: skip
    """How many rows of x may be drawn. Raises ValueError if the model rows pay for fewer than two."""
    if rows is None:
        return DRAWN_ROWS
    n_rows = checks.whole("rows", rows, 1, of="model rows", way=", or None")
    plain = [m for m in named.values() if not m.differential]
    alone = all(m.accumulates for m in plain)
    cost = int(len(plain) < len(named))  # one gradient a row serves all columns
    for feature in wanted if plain else ():
        price = 1
        for c in feature:
            column, numeric, one = codes[:, c], space.columns.numeric[c], grids[c]
            bins = numeric and not (isinstance(one, int) and is_by_value(column, bool(space.columns.whole_numbers[c]), one))
            ordered = numeric or getattr(space.columns.codecs[c].dtype, "ordered", False)
            if alone and (ordered or len(feature) == 2):
                price *= 2 if bins else 3
            elif isinstance(one, int):
                price *= most_points(column, space.columns, c, one)
            else:
                price *= len(one) + int(np.isnan(column).any())
        cost += price
    most = (n_rows - 1) // cost  # the first row is asked besides
    if most < 2:
        raise ValueError(
            f"rows={rows} pays for {most} of the rows of x, each of which costs {cost} model rows; ask for rows="
            f"{2 * cost + 1} or more, for fewer features, or for a smaller grid."
        )
    return most
