"""effects(): curves and surfaces of columns of a table, curves of a photo's superpixels, from one set of questions."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from perturbxai.calls.arguments import MOST_BINS, AnyModel, AnySpace, asked, name_methods, several_features
from perturbxai.calls.crew import asked_by
from perturbxai.calls.effect_jobs import EffectsCall, Feature
from perturbxai.calls.grid_choice import GridChoice
from perturbxai.calls.grids import draw_rows, group_rows, varies
from perturbxai.calls.photo_effects import photo_effects
from perturbxai.calls.regions import RegionFinder, Regions, columns_of, read_regions
from perturbxai.calls.workers import check_n_jobs
from perturbxai.core import catalogue, checks
from perturbxai.core.types import Codes, Column, Features, Floats, Grid, Inputs, Outputs, Weights
from perturbxai.estimation.curves.axes import Axis
from perturbxai.estimation.curves.grid_tables import FromGrid
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.results.effect import Effect, EffectKey
from perturbxai.sampling.streams import Streams


def effects(
    methods: str | FromGrid | Sequence[str | FromGrid],
    predictor: AnyModel,
    space: AnySpace,
    x: Inputs,
    *,
    features: Features | None = None,
    rest: str = "uniform",
    outputs: Outputs | None = None,
    grid: Grid | None = None,
    rows: int | None = None,
    by: Column | None = None,
    regions: str | Regions | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
) -> dict[str, dict[EffectKey, Effect]]:
    """How the model's output moves with a column of a table, with two of them, or with a superpixel: PDP, ICE and ALE.

    A column is set to the points of a grid, and the effect is the model's output along the grid, in units of the output: a
    curve, for a pair of columns a surface. "pdp" (partial dependence) sets every row of x to each point and averages, "ice"
    keeps the curves of single rows as well, "ale" (accumulated local effects) adds up steps between neighbouring points,
    each of the rows that lie near it, so that no row is asked far from the data. All methods of a call share their answers.

    methods    one or several: "pdp", "ice", "ale", or objects with options: px.Pdp(curves="centred"), px.Ice(ice_rows=50),
               px.Ale(bands_for="population")
    predictor  the model, or px.Predictor(model) with its options
    space      X or px.TabularSpace(X), or px.ImageSpace() for a photo. Weights count where x is the table of the space
    x          (N, D) the rows to average over, two or more; or one photo (H, W, C), see below
    features   columns by name or number (from the end if negative), one or several; a tuple of two for a pair's surface; or
               a mask of truth values, one a column. None: each column that varies. A group of the space is no column: name
               its columns. Where columns are called by tuples, a tuple that is a name is one column
    outputs    names or numbers; None: all up to 20, else the five highest at the first row of x
    grid       how many bins: each holds as many rows as the next, so that there are up to grid + 1 points. Or a mapping from
               columns to a number of bins or to the points themselves. None, and for columns that a mapping leaves out: 40;
               of a pair 20, and where "ale" is asked the cube root of the drawn rows, 10 of 1,000, for each of its cells
               is a mean over rows: with more cells the surface is their noise (see `Ale`).
               Whole numbers of at most grid + 1 values, other numbers of at most 20 values that repeat, truth values,
               categories and strings have no bins: their points are the values of the drawn rows, or those values that the
               mapping names, and rows of other values then do not count
    rows       at most so many model rows, which pay for as many rows of x, drawn at random. None: at most 1,000 rows of x
    by         a column of at most 20 values: each effect then has, in `groups`, those of the rows of each value as well
    regions    "auto", or px.Regions(...) with options: where rows disagree, look for one or two conditions on other columns
               that make regions in which they agree. Each effect then has, in `groups`, those of its regions, and tells in
               `regions` how much of the disagreement they take away, from the rows that chose them and from others, and
               what chance takes away. No model row is asked for it; the answers at all drawn rows are held meanwhile. The
               rows that chose a region draw its curve as well: bands are those of a region that was given
    seed       of the draw of rows, and of the draws behind simultaneous bands
    n_jobs     workers who ask the model, each some of the rows; see `explain`. Gradients are asked here

    Cost: a row of x is as many model rows as its grid has points. Where "ale" alone is asked it is two, at a level three, in
    a pair four to nine, and all levels of a column without an order. A row that comes twice is asked twice. Memory holds
    counts, sums and second moments, and the curves of at most `ice_rows` rows for "ice".

    **A photo.** The feature is the opacity of a superpixel: 0 shows the space's fill, 1 the photo. The others are shown or
    hidden as reference rows say, which are drawn in pairs of opposites: 40 of them, or as many as `rows` pays for.
    `individual` are the curves of these rows, PDP is their mean, and ALE starts from 0 at the fill. `superpixel` of an
    effect has the rise from 0 to 1, its error (from the pairs), and the shape of the curve in numbers. No camera takes a
    photo with a region half transparent, and such a region often has its full effect already: the curve tells how soon a
    region is detected, the rise how much it matters, as LIME and SHAP do. Look at both under two fills.

    features   superpixels by name or number, one or several. None: all that the fill changes (the others are named in
               `meta["merged"]`), with whole curves for the 8 whose rises are largest, and two points for the rest; of ALE
               whole curves for all
    rest       what the other superpixels show: "uniform", each is whole with probability t, t uniform (PDP's rise is the
               Shapley value); "half", with probability 1/2 (Banzhaf value); "present", all whole (occlusion); "absent", all
               hidden (inclusion); "fade", all at opacity t: ALE's rise is the Aumann-Shapley value, which is integrated
               gradients of a superpixel without a gradient, and sums to the photo's gain over its fill up to O(1 / grid^2)
    grid       how many bins of opacity, all alike; None for 5
    rows       at most so many model rows in all. With M reference rows a whole curve costs (grid + 1) M, the rises of all P
               superpixels M (P + 1), "ale" alone 2 M P; nothing is asked twice
    With all superpixels asked, `meta["gap"]` is what their rises leave of the photo's gain over its fill. For PDP with
    "uniform" it is noise; for ALE it need not be small.

    Returns {method: {feature: Effect}}, a feature being a column's name, a pair of names, or a superpixel's. `meta["rows"]`
    counts the model rows behind an effect (of a photo behind all of a method), with those that are asked once a call: the
    first row of x, which tells the outputs, or the photo and its fill.
    Raises ValueError or TypeError, before the model is asked, for columns that are unknown, constant or named twice, options
    of a method that do not go with them, grids of fewer than 2 bins or more than a million, x with other columns, several
    photos, and rows that pay for too little; ModelError if the model fails on the way, with what was finished in `partial`.

    >>> import numpy as np, perturbxai as px
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> found = px.effects(["pdp", "ale"], px.Predictor(lambda X: 3 * X[:, 0] + X[:, 1] ** 2), px.TabularSpace(X), X)
    >>> ale = found["ale"]["x0"]
    >>> ale.grid[0].shape, ale.values.shape  # points, and one output
    ((41,), (41, 1))
    >>> bool(np.allclose(np.diff(ale.values[:, 0]), 3 * np.diff(ale.grid[0])))
    True
    """
    named = name_methods(methods, catalogue.CURVES, FromGrid)  # type: ignore[type-abstract]
    checks.refuse_missing(rest=rest)
    predictor, space = asked(predictor, space)
    n_jobs = check_n_jobs(n_jobs)
    cut = read_regions(regions)
    if not isinstance(space, TabularSpace):
        if cut is not None:
            raise ValueError("regions= are of the rows of a table, and x is a photo; leave it out.")
        if by is not None:
            raise ValueError(f"by={by!r} is a column of a table, and x is a photo; leave it out.")
        return photo_effects(named, predictor, space, x, features, rest, outputs, grid, rows, checks.seed(seed), n_jobs)
    if not isinstance(rest, str) or rest != "uniform":
        raise ValueError(
            f"rest={checks.as_given(rest)} is about the other superpixels of a photo, and x is a table; leave it out."
        )
    streams = Streams(checks.seed(seed))
    codes = space.columns.encode(x, "x")
    if len(codes) < 2:
        raise ValueError(f"x has {len(codes)} row(s); an effect is a mean over rows, give at least two.")
    by_column, bins = {}, _points_as_list(grid)
    if isinstance(grid, Mapping):
        by_column, bins = {_column(name, space, "grid"): _points_as_list(one) for name, one in grid.items()}, None
    wanted = read_features(features, space, codes, [c for c, one in by_column.items() if isinstance(one, list)])
    chosen = {c: _grid(by_column.get(c, bins), space, c) for c in dict.fromkeys(sum(wanted, ()))}
    levels = [space.columns.names[f[0]] for f in wanted if not space.columns.numeric[f[0]]]
    for key, method in named.items():
        method.check_features(key, any(len(f) == 2 for f in wanted), levels)
    group_column = None if by is None else _column(by, space, "by")
    if cut is not None and by is not None:
        raise ValueError("by= and regions= both part the rows; give one of them.")
    if cut is not None and any(method.differential for method in named.values()):
        raise ValueError("regions= are found from answers, and differential=True asks for gradients alone; leave one out.")
    about = None if cut is None else columns_of(cut, space)
    codes, weight = weighted_rows(space, codes)
    grids = GridChoice(chosen, codes, space.columns, list(named.values()))
    drawn = draw_rows(codes, weight, grids.most_rows(rows, wanted), streams.of_call("rows"))
    groups = {} if group_column is None else group_rows(drawn, space.columns, group_column)
    axes = grids.axes(drawn, wanted)
    if features is None:  # a rare level may be in x, but in no drawn row
        axes = {feature: along for feature, along in axes.items() if along[0].n_known > 1}
    _check_axes(axes, named)
    if any(m.differential for m in named.values()):
        predictor.check_gradient(space.columns.plain(drawn.codes[:1]))
    # only curves of single rows are labelled
    given = space.columns.row_labels(x, len(codes))
    labels = given if any(m.keeps_rows for m in named.values()) else ()
    game = Game(predictor, space, space.columns.decode(codes[:1]), outputs, label=given[0])
    with predictor.watched("effects"), asked_by(predictor, n_jobs):
        finder = None if cut is None else RegionFinder(cut, about, space, drawn)
        return EffectsCall(named, game, streams, drawn, groups, labels, rows, finder).run(axes)


def _column(one: object, space: TabularSpace, what: str) -> int:
    """The number of a column, by name or number. Raises ValueError for one that is not there."""
    found, names = space.columns.find(one), space.columns.names
    if found is not None:
        return found
    if str(one) in space.names:
        raise ValueError(f"{what}: {one!r} is a group of columns; a curve is of one, name the columns themselves.")
    shown = ", ".join(map(repr, names[:8])) + ("." if len(names) < 9 else " ...")
    near = checks.did_you_mean(one, names)
    raise ValueError(f"{what}: {checks.as_given(one)} is not a column of x{near or f'; x has {shown}'}")


def read_features(
    features: Features | None, space: TabularSpace, codes: Codes, pointed: Collection[int] = ()
) -> list[Feature]:
    """Numbers of the columns, alone or in pairs, each once. Raises ValueError for unknown, constant and repeated ones.

    pointed  columns whose points are given: these vary, even if the column does not
    """
    names = space.columns.names
    constant = [c for c in range(codes.shape[1]) if not varies(codes[:, c])]
    if len(endless := np.flatnonzero(np.isinf(codes).any(axis=0))):
        name = names[endless[0]]
        raise ValueError(f"x has infinite values in {name!r}, which have no place on a grid; leave these rows out.")
    if features is None:
        if len(constant) == len(names):
            raise ValueError("x has the same values in all rows, so no column has an effect; give rows that differ.")
        return [(c,) for c in range(len(names)) if c not in constant]
    found = []
    features = list(features) if isinstance(features, Iterator) else features
    given: list[Any] | None = space.columns.read_mask(features, "features")
    if given is None:
        given = several_features(features, "a column, or a list of columns and pairs of them")
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
                    f"features: the column {names[c]!r} has a single value in x, along which nothing can vary; leave it out."
                )
        found.append(feature)
    return list(dict.fromkeys(found))


def _points_as_list(grid: object) -> object:
    """The points of a grid as a list; a number of bins, and a mapping, as they are. Raises TypeError for 0-d arrays."""
    if grid is None or isinstance(grid, (str, Mapping)) or not isinstance(grid, Iterable):
        return grid
    return checks.several("grid", grid, "a number of bins, the points, or a mapping from columns to these")


def _grid(one: object, space: TabularSpace, c: int) -> int | Floats | None:
    """A number of bins, or the points (G,) of a column in codes, ascending; None where the user named neither."""
    if one is None:
        return None
    name = space.columns.names[c]
    if not isinstance(one, list):
        if not checks.is_whole(one) or not 2 <= one <= MOST_BINS:
            given = f"grid={checks.as_given(one)} for {name!r}"
            raise ValueError(f"{given} must be a whole number of bins from 2 up to {MOST_BINS:,}, or the points.")
        return int(one)
    try:
        codes = space.columns.encode_values(c, one)
    except (TypeError, ValueError) as error:
        raise type(error)(f"grid: {error}") from None
    points = codes if space.columns.numeric[c] else np.unique(codes)
    what = "finite values that rise" if space.columns.numeric[c] else "of its levels, each once"
    if len(points) < 2 or len(points) < len(codes) or not np.isfinite(points).all() or (np.diff(points) <= 0).any():
        raise ValueError(f"grid: the points of {name!r} must be at least two {what}; got {checks.as_given(one)}.")
    return points


def _check_axes(axes: Mapping[Feature, Sequence[Axis]], named: Mapping[str, FromGrid]) -> None:
    for axis in (one for along in axes.values() for one in along):
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
