"""Spaces: what the players of an input are, and what their absence looks like. A space never calls a model."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.core import checks
from perturbxai.core.compiled import kernels
from perturbxai.core.functions import Shared, read_only
from perturbxai.core.questions import Regions
from perturbxai.core.types import Codes, Data, Features, Fill, Floats, Inputs, Ints, Labels, Owners, Picture, Segments
from perturbxai.core.unnamed_tables import as_values, check_groups
from perturbxai.core.wording import count, listed, word
from perturbxai.inputs.background import draw_background
from perturbxai.inputs.columns import Columns, named_rows, plain_label
from perturbxai.inputs.fills import describe_fill, make_fill, read_fill
from perturbxai.inputs.pictures import as_pictures, even
from perturbxai.inputs.row_names import distinct, hash_rows
from perturbxai.inputs.row_values import RowValues
from perturbxai.inputs.segments import areas, cut, neighbours

ROW_GROUPS = 20  # of background rows


def digest(*parts: object) -> tuple[int, ...]:
    """Eight 32-bit words of the SHA-256 of arrays: the name of an input's random stream."""
    state = hashlib.sha256()
    for part in parts:
        array = np.ascontiguousarray(part)
        state.update(str((array.dtype.str, array.shape)).encode())
        state.update(array.tobytes())
    return tuple(int(word) for word in np.frombuffer(state.digest(), dtype=np.uint32))


@dataclass(frozen=True, eq=False)
class TableInput(Shared):
    """One row to explain. player (D,): the number of a column's player among the active ones, -1 if always present.

    meta: what results tell of its space
    """

    codes: Codes
    label: Hashable
    names: tuple[str, ...]
    active: Ints
    player: Owners
    digest: tuple[int, ...]
    meta: dict[str, Any]

    @property
    def source(self) -> Floats:
        """What was explained: the coded row."""
        return self.codes


@dataclass(frozen=True, eq=False)
class ImageInput(Shared):
    """One picture to explain: picture, fill (H, W, C) float32; labels (H, W) of all players, `player` of active ones.

    player (H, W) int32: the number of a pixel's player among those that the fill can hide, P' if always present
    meta: what results tell of its space, and of its superpixels: how many were found, and how their areas spread
    """

    picture: Picture
    fill: Picture
    labels: Labels
    player: Labels
    label: Hashable
    names: tuple[str, ...]
    active: Ints
    digest: tuple[int, ...]
    meta: dict[str, Any]

    @property
    def source(self) -> Picture:
        """What was explained: the picture."""
        return self.picture

    def regions(self) -> Regions:
        """Which superpixels touch, what colour they are on average, and how large."""
        colours = self.pool(np.moveaxis(self.picture, 2, 0), "mean").T
        return Regions(neighbours(self.labels), colours, np.bincount(self.labels.ravel()))

    def pool(self, heat: ArrayLike, how: str = "sum") -> Floats:
        """(K, P): a heat map (K, H, W) or (H, W) on the players. "sum" keeps the total; "mean" is a density.

        The sum goes with an axis counted in players, the mean with one counted in area; they rank differently.
        """
        maps = even(heat, "heat")
        if maps.dtype.kind not in "biuf":
            raise TypeError(f"heat={checks.as_given(heat)} must be numbers (K, H, W) or (H, W).")
        maps = maps.astype(np.float64, copy=False)[(None,) * (maps.ndim == 2)]
        if maps.ndim != 3 or maps.shape[1:] != self.labels.shape:
            height, width = self.labels.shape
            raise ValueError(f"heat has shape {np.shape(heat)}; expected (K, {height}, {width}), as the picture has.")
        checks.one_of("how", how, ("sum", "mean"))
        pooled = np.zeros((len(maps), len(self.names)))
        kernels.pool_regions(np.ascontiguousarray(maps), self.labels, pooled)
        return pooled if how == "sum" else pooled / np.bincount(self.labels.ravel(), minlength=len(self.names))


class TabularSpace:
    """The players of a table's rows are its columns (or groups of columns); absence is a set of background rows.

    X           table or array (N, D), the data: background rows are drawn from it, and ALE asks around it. A DataFrame of
                pandas or polars, an Arrow table, or what narwhals can read. The model gets the kind of table that X is, with
                its dtypes, categories, dates and missing values (estimators get a DataFrame for an Arrow table; lazy frames
                come back collected)
    background  how many distinct rows stand for absence, or "all"
    choose      "sample" draws them, "kmeans" takes the real row nearest to each centre, weighted by its cluster,
                "prototypes" rows that together are most like the table (`prototypes`), worth many more drawn ones; "all"
    weights     (N,) row weights, None for equal ones
    groups      {name: [columns]} that act as one player, columns by name, by number (of an array also "x0") or by a mask of
                truth values; other columns stay players of their own
    seed        of the background draw; the background is part of the space

    Rows to explain have the columns of X, in any order if they are named, and values that its dtypes hold: any number or
    date, a missing value (which is a level of its own where X has none), and the categories and strings that X has.

    Raises ValueError for no rows, unknown columns, and weights that do not fit; TypeError, with the way out, for no table.

    >>> import numpy as np
    >>> TabularSpace(np.eye(3), groups={"first two": ["x0", "x1"]}).names
    ('first two', 'x2')
    """

    def __init__(
        self,
        X: Data,
        *,
        background: int | str = 100,
        choose: str = "sample",
        weights: ArrayLike | None = None,
        groups: Mapping[str, Features] | None = None,
        seed: int = 0,
    ) -> None:
        self.columns = Columns(X)
        self.codes = self.columns.encode(X, "X")
        if len(self.codes) == 0:
            raise ValueError("X has no rows, so the background is empty; give at least one row that stands for absence.")
        self.labels: Sequence[Any] | None = named_rows(X)
        self.codes.setflags(write=False)  # methods of anybody's read what the space holds, and so do later calls
        self.weights = read_only(_check_weights(weights, len(self.codes)))
        if isinstance(background, str) and background == "all":
            choose, background = "all", len(self.codes)
        checks.one_of("choose", choose, ("sample", "kmeans", "prototypes", "all"))
        if np.ndim(background) > 0 or hasattr(background, "columns"):
            raise TypeError(
                f"background is a {type(background).__name__}; give these rows as X: TabularSpace(rows, background='all')."
            )
        n_rows = checks.whole("background", background, 1, of="rows", way=', or "all"', floats=True)
        seed = checks.whole("seed", seed, floats=True)
        rng = np.random.default_rng(seed)
        names, first, place = distinct(hash_rows(self.codes))  # sorting cannot tell that two rows with NaN are one
        mass = np.bincount(place, weights=self.weights, minlength=len(names)).astype(np.float64)
        n_rows = min(n_rows, len(names))
        there = np.argsort(first, kind="stable")
        known = self.codes if len(first) == len(self.codes) else self.codes[first[there]]
        drawn = draw_background(known, mass[there], n_rows, choose, self.columns, rng)
        self.background, self.background_weights = map(read_only, drawn)
        # at random, for the rows are sorted: what a draw of them errs by is read from groups that are alike
        self.background_groups = rng.permutation(len(self.background)) % ROW_GROUPS
        self.names, self.player_of_column = _players(self.columns, {} if groups is None else groups)
        self.columns_of = tuple(tuple(np.flatnonzero(self.player_of_column == p).tolist()) for p in range(len(self.names)))
        self.row_values = RowValues(self.columns.codecs, self.columns.names, self.columns_of)
        self.meta = {"space": "table", "background": len(self.background), "choose": choose, "space_seed": seed}

    def __repr__(self) -> str:
        features = f"{count(self.n_players, 'feature')} ({listed(self.names)})"
        absence = f"{count(len(self.background), 'row')} of {len(self.codes):,} (choose={self.meta['choose']!r})"
        return f"<TabularSpace of {features}; absence: {absence}>"

    @property
    def n_players(self) -> int:
        return len(self.names)

    def players(self, x: Inputs) -> list[TableInput]:
        """The rows of x as inputs. A single row (D,) is one input; index labels, and the name of a Series, are kept."""
        codes = self.columns.encode(x, "x")
        if len(codes) == 0:
            raise ValueError("x has no rows; give at least one row to explain.")
        labels = self.columns.row_labels(x, len(codes))
        return [self._bind(row, plain_label(label)) for row, label in zip(codes, labels, strict=True)]

    def _bind(self, row: Floats, label: Hashable) -> TableInput:
        same = (self.background == row) | (np.isnan(self.background) & np.isnan(row))
        moves = ~same.all(axis=0)  # (D,): columns that some background row changes
        active = np.unique(self.player_of_column[moves])
        number = np.full(self.n_players, -1, dtype=np.int32)
        number[active] = np.arange(len(active))
        player = number[self.player_of_column]
        name = digest(np.where(np.isnan(row), np.nan, row + 0.0))
        return TableInput(row, label, self.names, active, player, name, self.meta)


class ImageSpace:
    """The players of a picture are its superpixels; absence is a fill. A recipe: the pictures are given as `x`.

    segments    "slic", "quickshift", "felzenszwalb", "watershed" or "grid"; a label map (H, W) with any ids; a mask of
                True and False; a dictionary {name: mask} whose names are the players', as in {"liver": a, "spleen": b},
                what they leave being "rest", or cut in its turn: {"liver": a, "around": "slic"}; or a function from a
                picture (H, W, C) to one of these
    n_segments  how many superpixels to aim at; `meta["superpixels"]` has the number found, and how their areas spread
    fill        "blur"; "mean" (of each superpixel); "inpaint" (each superpixel painted over from around it: what several
                superpixels share stays to be seen); "noise" (uniform within each channel's range); a constant (a number,
                or one a channel); several pictures, whose mean colour is taken; a picture, of another thing or blank; or a
                function from a picture (H, W, C) to a constant or a picture, which is given labels (H, W) and rng, a
                Generator, if it has arguments of these names. Tables call it by its name
    seed        of the noise, which each picture has its own of

    The space works on the picture that the network sees: crop and resize first, with `px.fit`. Superpixels that the fill
    cannot change are merged with what is always present, get the value 0, and are named in `meta["merged"]`.

    >>> import numpy as np
    >>> left = np.arange(8) < np.full((6, 1), 4)
    >>> ImageSpace(segments={"left": left}, fill=0).players(np.ones((6, 8)))[0].names
    ('left', 'rest')
    """

    def __init__(self, *, segments: Segments = "slic", n_segments: int = 50, fill: Fill = "blur", seed: int = 0) -> None:
        self.n_segments = checks.whole("n_segments", n_segments, 2, floats=True)
        self.seed = checks.whole("seed", seed, floats=True)
        checks.refuse_missing(segments=segments, fill=fill)
        self.segments = _copied(segments)
        self.fill: Any = read_fill(fill)
        # masks are a label map to what draws results: it cannot be made anew by name
        name = segments if isinstance(segments, str) else "function" if callable(segments) else "label map"
        shown = describe_fill(self.fill, self.seed)
        self.meta = {"space": "image", "segments": name, "n_segments": self.n_segments, "fill": shown}
        self._bound: dict[tuple[int, ...], ImageInput] = {}

    def __repr__(self) -> str:
        about = f", about {self.n_segments:,}" * isinstance(self.segments, str)
        return f"<ImageSpace of superpixels by {self.meta['segments']}{about}; absence: {word(self.meta['fill'])}>"

    def with_fill(self, fill: Fill) -> ImageSpace:
        """The same superpixels under another fill."""
        return ImageSpace(segments=self.segments, n_segments=self.n_segments, fill=fill, seed=self.seed)

    def players(self, x: Inputs) -> list[ImageInput]:
        """The pictures of x as inputs, segmented and filled. One picture (H, W, C) or (H, W), or several."""
        return [self._bind(picture, label) for label, picture in enumerate(as_pictures(x))]

    def pool(self, heat: ArrayLike, x: Inputs | None = None, how: str = "sum") -> Floats:
        """(K, P): a heat map on the superpixels of one picture; see `ImageInput.pool`.

        x  the picture; None where this space has seen one only. Raises ValueError for several pictures, and without x
           if it has seen none or several.
        """
        if x is not None:
            inputs = self.players(x)
            if len(inputs) != 1:
                raise ValueError(f"x holds {len(inputs)} pictures, but a heat map is of one; pool them one by one.")
            return inputs[0].pool(heat, how)
        if len(self._bound) != 1:
            seen = len(self._bound)
            raise ValueError(f"x is not given, but the space has seen {seen} pictures; say which: pool(heat, x).")
        return next(iter(self._bound.values())).pool(heat, how)

    def _bind(self, picture: Picture, label: int) -> ImageInput:
        name = digest(picture)
        if name not in self._bound:
            self._bound[name] = self._make(picture, name)
            if len(self._bound) > 16:
                del self._bound[next(iter(self._bound))]
        return replace(self._bound[name], label=label)

    def _make(self, picture: Picture, name: tuple[int, ...]) -> ImageInput:
        labels, names = cut(self.segments, picture, self.n_segments)
        fill = make_fill(self.fill, picture, labels, np.random.default_rng([self.seed, *name]))
        n_players = int(labels.max()) + 1
        changed = (picture != fill).any(axis=2)
        active = np.flatnonzero(np.bincount(labels[changed], minlength=n_players))
        number = np.full(n_players, len(active), dtype=np.int32)
        number[active] = np.arange(len(active))
        meta = self.meta | {"superpixels": areas(labels)}
        return ImageInput(picture, fill, labels, number[labels], 0, names, active, name, meta)


Space = TabularSpace | ImageSpace
Input = TableInput | ImageInput


def _players(columns: Columns, groups: Mapping[str, Features]) -> tuple[tuple[str, ...], Ints]:
    """Names of the players, and the player of each column: groups take the place of their first column."""
    owner: dict[int, str] = {}
    for key, members in check_groups(groups).items():
        group = str(key)
        chosen = columns.read_mask(members, f"groups[{group!r}]")
        for member in members if chosen is None else chosen:
            d = columns.find(member) if chosen is None else int(member)
            if d is None:
                raise ValueError(f"groups[{group!r}] names the unknown feature {member!r}; X has {columns.names}.")
            if d in owner:
                raise ValueError(f"groups: column {member!r} is in {owner[d]!r} and in {group!r}; give it to one.")
            owner[d] = group
    alone = [column for d, column in enumerate(columns.names) if d not in owner]
    for group in owner.values():
        if group in alone:
            raise ValueError(f"groups: the name {group!r} is also the name of a column outside the group; choose another.")
    names = list(dict.fromkeys(owner.get(d, column) for d, column in enumerate(columns.names)))
    player = np.array([names.index(owner.get(d, column)) for d, column in enumerate(columns.names)], dtype=np.int64)
    return tuple(names), player


def _check_weights(weights: object, n_rows: int) -> Floats:
    if weights is None:
        return np.full(n_rows, 1.0 / n_rows)
    given = as_values(weights, "weights")
    try:
        found = given.astype(np.float64) if given.dtype.kind in "biufOUS" else None
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None:
        raise TypeError(f"weights={checks.as_given(weights)} must be numbers that float64 holds, one a row of X.")
    if found.shape != (n_rows,):
        raise ValueError(f"weights has shape {found.shape}; expected ({n_rows},), one weight a row of X.")
    if not np.isfinite(found).all() or (found < 0).any() or found.sum() == 0:
        raise ValueError("weights must be finite, not negative, and not all zero.")
    return np.asarray(found / found.sum())


def _copied(segments: Segments) -> Any:
    """What cuts pictures, as it is now: what the caller changes later stays out."""
    if isinstance(segments, type):
        raise TypeError(f"segments={segments.__name__} is a class; give an object of it, or a function.")
    if isinstance(segments, str) or callable(segments):
        return segments
    if isinstance(segments, Mapping):
        if len({str(name) for name in segments}) < len(segments):
            raise ValueError(f"segments: two of the names {list(segments)} are spelled alike; name the masks otherwise.")
        return {str(name): _copied(one) for name, one in segments.items()}
    if np.ma.is_masked(segments):
        raise ValueError("segments is a masked array; use array.filled(...) to say whose the masked pixels are.")
    return even(segments.detach().cpu() if hasattr(segments, "detach") else segments, "segments").copy()
