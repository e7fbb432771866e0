"""One call of effects(): what is asked about each column or pair, in common batches, and gathered as it comes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from perturbxai.calls.grids import Drawn
from perturbxai.calls.record import FIRST_ROW, Record
from perturbxai.calls.regions import RegionFinder, replayed
from perturbxai.core.interpolation import between, on_grid
from perturbxai.core.stopping import keeping
from perturbxai.core.types import Bools, Floats, Ints
from perturbxai.estimation.curves.axes import Axis
from perturbxai.estimation.curves.grid_tables import Curve, Differences, FromGrid, GridTable, Moments, Steps
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.models.plan import Gridded, TablePlan
from perturbxai.models.predictor import ModelError, Predictor
from perturbxai.results.effect import Effect, EffectKey
from perturbxai.results.effect_reading import Reading, absence
from perturbxai.results.regions import RegionsFound
from perturbxai.sampling.streams import Streams

NUMBERS_AT_ONCE = 1 << 16  # answers gathered together: the same blocks at any batch size, so that sums do not depend on it
ROWS_AT_ONCE = 1 << 18
GRADIENTS_AT_ONCE = 4096

Feature = tuple[int, ...]
"""The numbers of one column, or of two."""


def key_of(feature: Feature, space: TabularSpace) -> EffectKey:
    """What results call a column, or a pair of them."""
    names = tuple(space.columns.names[c] for c in feature)
    return names if len(names) > 1 else names[0]


@dataclass(eq=False)
class Job:
    """The questions about one column or pair, and the tables that their answers go to.

    piece   the rows to ask, or None where only gradients are
    all_points  whether each row is asked at all points of the grid, else around its own place
    tables  what gathers whole grids (`add_all_points`) or the points around each row (`add_corners`), by group (None is all
            rows);  sloped: the same for mean derivatives
    kept    answers as they came, where regions are looked for among the rows, else None;  inside: makes a table of some rows
    regions  what was found
    """

    key: EffectKey
    axes: tuple[Axis, ...]
    piece: Gridded | None
    all_points: bool
    tables: dict[Any, Any]
    sloped: dict[Any, GridTable]
    sloped_done: bool = False
    kept: list[tuple[Ints, Floats]] | None = None
    inside: Callable[[Bools], GridTable] | None = None
    regions: RegionsFound | None = None
    _held: list[Floats] = field(default_factory=list)
    _lines_held: int = 0
    _rows_done: int = 0

    @property
    def done(self) -> bool:
        """Whether all answers to its piece came."""
        return self.piece is not None and self._rows_done == len(self.piece.row)

    def __len__(self) -> int:
        """How many model rows its piece is."""
        return 0 if self.piece is None else len(self.piece)

    def add(self, values: Floats) -> None:
        """The next answers (m, K) to the piece, in its order."""
        assert self.piece is not None
        n_asked, n_outputs = len(self.piece.offset), values.shape[1]
        self._held.append(np.ascontiguousarray(values))
        self._lines_held += len(values)
        at_once = max(1, NUMBERS_AT_ONCE // (n_asked * n_outputs))
        while not self.done and self._lines_held >= n_asked * min(at_once, len(self.piece.row) - self._rows_done):
            lines = np.concatenate(self._held) if len(self._held) > 1 else self._held[0]
            cube, left = lines[: at_once * n_asked].reshape(-1, n_asked, n_outputs), lines[at_once * n_asked :]
            rows = self.piece.row[self._rows_done : self._rows_done + len(cube)].astype(np.int64)
            if self.kept is not None:
                self.kept.append((rows, cube.copy()))
            for table in self.tables.values():
                (table.add_all_points if self.all_points else table.add_corners)(rows, cube)
            self._held = [left] if len(left) else []
            self._lines_held, self._rows_done = len(left), self._rows_done + len(cube)


def make_job(
    key: EffectKey, axes: tuple[Axis, ...], methods: Sequence[FromGrid], drawn: Drawn, groups: Mapping[Any, Bools],
    rank: Ints, n_outputs: int, keeps: bool = False,
) -> Job:  # fmt: skip
    """What these methods need about one column or pair; ICE on the grid serves all but derivatives."""
    accumulated = [m for m in methods if m.accumulates]
    steps, sloped = any(not m.differential for m in accumulated), any(m.differential for m in accumulated)
    unordered = len(axes) == 1 and not axes[0].ordered
    all_points = any(not m.accumulates for m in methods) or (steps and unordered)
    along = tuple(axis.along() for axis in axes)
    n_points = int(np.prod([len(axis.points) for axis in axes]))
    own = None
    if len(axes) == 1 and any(m.averages for m in methods):
        own = between(axes[0].points, drawn.codes[:, axes[0].column], axes[0].number)

    def table(inside: Bools | None, derivatives: bool) -> GridTable:
        weight = drawn.weight if inside is None else np.where(inside, drawn.weight, 0.0)
        kept = max((m.keeps_rows for m in methods), default=0)
        found = GridTable(axes, along, weight, rank, 0 if derivatives else kept, n_outputs)
        if steps or derivatives:
            found.steps = Steps(along, n_outputs)
        if derivatives:
            return found
        if all_points:
            joint = len(axes) == 1
            found.moments = Moments(n_points + 1 if joint else 2 * n_points, n_outputs, joint)
            if own is not None and on_grid(own[0], own[1])[weight > 0].all():
                found.own = own
        if any(m.curves == "derivative" for m in methods):
            found.slopes = Moments(axes[0].n_steps, n_outputs, True)
        if steps and unordered:
            found.differences = Differences(axes[0].n_known, n_outputs)
        return found

    parts: dict[Any, Bools | None] = {None: None, **groups}
    tables = {group: table(inside, False) for group, inside in parts.items()} if all_points or steps else {}
    slopes = {group: table(inside, True) for group, inside in parts.items()} if sloped else {}
    piece = _piece(drawn, axes if all_points else along, all_points) if tables else None
    if not keeps:
        return Job(key, axes, piece, all_points, tables, slopes)
    return Job(key, axes, piece, all_points, tables, slopes, kept=[], inside=lambda rows: table(rows, False))


def at_all_points(drawn: Drawn, columns: Ints, points: Floats) -> Gridded:
    """Every drawn row with these columns (C,) at each of the points (T, C)."""
    row = np.arange(len(drawn.codes), dtype=np.int32)
    return Gridded(drawn.codes, row, columns, points, np.zeros_like(row), np.arange(len(points)))


def _piece(drawn: Drawn, axes: tuple[Axis, ...], all_points: bool) -> Gridded:
    """Every row at all points, or at the points around its place where it has one."""
    points = np.stack([p.ravel() for p in np.meshgrid(*[a.points for a in axes], indexing="ij")], axis=1)
    columns = np.array([a.column for a in axes])
    if all_points:
        return at_all_points(drawn, columns, points)
    known = np.logical_and.reduce([a.place >= 0 for a in axes])
    row = np.flatnonzero(known).astype(np.int32)
    shape = [len(a.points) for a in axes]
    first = np.ravel_multi_index([a.first[a.place[known]] for a in axes], shape)
    around: list[Ints] = list(np.indices([a.window for a in axes]).reshape(len(axes), -1))
    offset = np.ravel_multi_index(around, shape)
    return Gridded(drawn.codes, row, columns, points, first.astype(np.int32), offset)


def rounds(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    """Jobs, so many at once that their rows fill batches, so few that what they keep of every row does not pile up."""
    together: list[Job] = []
    for job in jobs:
        together.append(job)
        # one gradient a row serves all columns
        if sum(map(len, together)) >= ROWS_AT_ONCE and not any(one.sloped for one in together):
            yield together
            together = []
    if together:
        yield together


def run_jobs(jobs: Sequence[Job], predictor: Predictor, space: TabularSpace, drawn: Drawn, columns: Ints) -> None:
    """Ask all questions together, batch by batch, then derivatives. A failure notes where it happened."""
    asked = [job for job in jobs if job.piece is not None]
    plan = TablePlan([job.piece for job in asked if job.piece is not None], space.background, space.columns.decode_own)
    ends = np.cumsum(list(map(len, asked)))
    try:
        for start, stop, values in predictor.run(plan):
            first, last = np.searchsorted(ends, [start, stop - 1], side="right")
            parts = np.split(values[:, columns], ends[first:last] - start)
            for job, own in zip(asked[first : last + 1], parts, strict=True):
                job.add(own)
    except ModelError as error:
        if error.row is not None:
            job = asked[int(np.searchsorted(ends, error.row, side="right"))]
            error.add_note(note_of(job, error.row - int(ends[asked.index(job)]) + len(job), drawn))
        raise
    if sloped := [job for job in jobs if job.sloped]:
        _ask_slopes(sloped, predictor, space, drawn, columns)


def note_of(job: Job, line: int, drawn: Drawn) -> str:
    """For a failure: which question of a job it was."""
    assert job.piece is not None
    row = line // len(job.piece.offset)
    return f"asked for the effect of {job.key!r}, at row {int(drawn.row[job.piece.row[row]])} of x"


def _ask_slopes(jobs: Sequence[Job], predictor: Predictor, space: TabularSpace, drawn: Drawn, columns: Ints) -> None:
    for low in range(0, len(drawn.codes), GRADIENTS_AT_ONCE):
        rows = np.arange(low, min(low + GRADIENTS_AT_ONCE, len(drawn.codes)))
        found = predictor.gradient(space.columns.decode(drawn.codes[rows]), columns.tolist())  # (m, D, K)
        for job in jobs:
            for table in job.sloped.values():
                table.add_slopes(rows, found[:, job.axes[0].column])
    for job in jobs:
        job.sloped_done = True


@dataclass(eq=False)
class EffectsCall:
    """One call of effects(): rounds of questions, and what is concluded from each before the next."""

    named: Mapping[str, FromGrid]
    game: Game
    streams: Streams
    drawn: Drawn
    groups: Mapping[Any, Bools]
    labels: Sequence[Any]
    budget: int | None
    finder: RegionFinder | None = None
    first_row: int = 0  # asked so far

    def __post_init__(self) -> None:
        self.space, self.record = self.game.table, Record(self.game, self.streams.seed)

    def run(self, axes: Mapping[Feature, tuple[Axis, ...]]) -> dict[str, dict[EffectKey, Effect]]:
        """Ask, gather, conclude, round by round. Whatever stops it: finished columns are in the exception's `partial`."""
        found: dict[str, dict[EffectKey, Effect]] = {key: {} for key in self.named}
        jobs: list[Job] = []
        with keeping(lambda: self._finished(self._salvaged(jobs, found))):
            columns = self.game.learn().columns
            self.first_row = self.record.rows
            rank = self.streams.of_call("ice rows").permutation(len(self.drawn.codes))

            def job(feature: Feature) -> Job:
                key, methods = key_of(feature, self.space), list(self.named.values())
                keeps = self.finder is not None
                return make_job(key, axes[feature], methods, self.drawn, self.groups, rank, len(columns), keeps)

            for jobs in rounds(map(job, axes)):
                run_jobs(jobs, self.game.predictor, self.space, self.drawn, columns)
                self._cut(jobs)
                for key, method in self.named.items():
                    found[key] |= {job.key: self._effect(key, method, job) for job in jobs}
        return self._finished(found)

    def _cut(self, jobs: Sequence[Job]) -> None:
        """Find the regions of each effect, and gather its answers for each of them."""
        for job in jobs if self.finder is not None else ():
            if not job.kept or job.inside is None:
                continue
            assert self.finder is not None  # or nothing is kept
            rng = self.streams.of_call(f"regions {job.key}")
            own = [axis.column for axis in job.axes]
            job.regions, inside = self.finder.find(own, job.tables[None], job.kept, job.all_points, rng)
            for name, rows in inside.items():
                job.tables[name] = job.inside(rows)
                replayed(job.tables[name], job.kept, job.all_points)
            job.kept = None

    def _salvaged(
        self, jobs: Sequence[Job], found: dict[str, dict[EffectKey, Effect]]
    ) -> dict[str, dict[EffectKey, Effect]]:
        """With what can be concluded of the jobs of a round that was not finished."""
        for key, method in self.named.items():
            for job in jobs:
                if job.sloped_done if method.differential else job.done:
                    with suppress(Exception):  # what stopped the call
                        found[key][job.key] = self._effect(key, method, job)
        return found

    def _finished(self, found: dict[str, dict[EffectKey, Effect]]) -> dict[str, dict[EffectKey, Effect]]:
        """With what is known of the whole call when it ends."""
        every = [effect for effects in found.values() for effect in effects.values()]
        self.record.close(one.meta for effect in every for one in (effect, *effect.groups.values()))
        return found

    def _effect(self, key: str, method: FromGrid, job: Job) -> Effect:
        sloped = method.differential
        asked = len(self.drawn.codes) if sloped or job.piece is None else len(job.piece)
        meta = self.record.meta(
            self.game.inputs[0], asked + self.first_row, {FIRST_ROW: self.first_row}, budget=self.budget,
            shared_with=[k for k, m in self.named.items() if k != key and sloped == m.differential],
        ) | {"name": key, "drawn_rows": len(self.drawn.codes)}  # fmt: skip
        made = {}
        for group, table in (job.sloped if sloped else job.tables).items():
            # a stream of its own, so that a band does not depend on what else is asked
            curve = method.curve(table, self.streams.of_call(f"bands {job.key} {group}"))
            own = {} if group is None else {"drawn_rows": int((table.weight > 0).sum())}
            made[group] = self._named(curve, method, job, meta | curve.notes | own)
        whole = made.pop(None)
        whole = whole if job.regions is None else replace(whole, regions=job.regions)
        return replace(whole, groups=made) if made else whole

    def _named(self, curve: Curve, method: FromGrid, job: Job, meta: dict[str, Any]) -> Effect:
        columns = self.space.columns
        grid = [columns.decode_values(axis.column, axis.points) for axis in curve.axes]
        if curve.midpoints:
            known = curve.axes[0].points[: curve.axes[0].n_known]
            middle = 0.5 * (known[:-1] + known[1:])
            grid = [columns.decode_values(curve.axes[0].column, middle) if grid[0].dtype.kind == "M" else middle]
        rows = None if curve.rows is None else tuple(self.labels[r] for r in self.drawn.row[curve.rows])
        return Effect(
            names=tuple(axis.name for axis in job.axes), outputs=self.game.outputs, grid=tuple(grid), values=curve.values,
            stderr=curve.stderr, critical=curve.critical, df=curve.df, counts=curve.counts, importance=curve.importance,
            importance_stderr=curve.importance_stderr, importance_bias=curve.importance_bias,
            reach_stderr=curve.reach_stderr,
            heterogeneity=curve.heterogeneity, method=method, extrapolated=curve.extrapolated, individual=curve.individual,
            individual_rows=rows, differences=curve.differences, differences_stderr=curve.differences_stderr, meta=meta,
            reading=self._reading(curve, method),
        )  # fmt: skip

    def _reading(self, curve: Curve, method: FromGrid) -> Reading | None:
        """How the curve of one column is read at rows; None for surfaces and derivatives, which have no value there."""
        if len(curve.axes) > 1 or curve.midpoints:
            return None
        (axis,) = curve.axes
        kind = "ale" if method.accumulates else "ice" if method.keeps_rows else "pdp"
        background, weight = self.space.background[:, axis.column], self.space.background_weights
        absent = None if kind == "pdp" else absence(axis.points, background, weight, axis.number, kind == "ale")
        rows = None if curve.rows is None else self.drawn.codes[curve.rows]
        columns = self.space.columns
        return Reading(kind, columns, axis.column, axis.points, axis.number, curve.centre, absent, curve.base, rows)
