"""One call of baselines(): each method at one input after the other, and what it concludes."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from perturbxai.baseline_methods.inside import Inside
from perturbxai.baseline_methods.kinds import Baseline, OfLayer, OfPicture, OfPixels, OfPlayers, OfRow, TableRow
from perturbxai.baseline_methods.pixels import PixelMap
from perturbxai.calls.record import ENDS, NOTHING, Record
from perturbxai.core import returned
from perturbxai.core.functions import read_only
from perturbxai.core.types import Floats
from perturbxai.estimation.intervals import independent_factor
from perturbxai.estimation.spread import ROUNDING
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.results.explanation import Attribution, Explanation

SEARCHED, LAID_ASIDE = "where the layer is", "in a layout that failed"  # asked once a call
Placed = dict[str, tuple[Baseline, int]]  # by key a method, and the number of its layer
Mapped = tuple[dict[str, Any], dict[str, Any]]  # fields of an Explanation: values (P, K), heat ...; notes for `meta`


@dataclass(eq=False)
class BaselinesCall:
    """One call of baselines(): methods, each with the number of its layer, at one input after the other.

    lost: rows that were asked in a layout that failed;  ends: v(nothing) and v(N), by input
    n_ends: how many rows these are, where others asked them
    """

    placed: Placed
    record: Record
    inside: Inside
    lost: int = 0
    found: list[dict[str, Explanation]] = field(default_factory=list)
    ends: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)
    n_ends: int | None = None

    def __post_init__(self) -> None:
        self.first_alike = self.record.game.first_alike  # digests every picture
        pictures = not isinstance(self.record.game.space, TabularSpace)
        self.looks = pictures and any(method.passes for method, _ in self.placed.values())

    def run(self, apart: Callable[[Sequence[int]], None] | None = None) -> None:
        """Explain all inputs. Where the model fails at one, those before it are explained, and its error is raised.

        apart: what explains these inputs, by number, elsewhere, once the ends of all are known
        """
        game, failed = self.record.game, None
        own = [number for number, first in enumerate(self.first_alike) if first == number]
        self.found = [{} for _ in game.inputs]
        try:
            if self.looks:
                game.ask_nothing(own, users=1)
            else:
                self.ends = dict(zip(own, game.ends_of(own, users=1), strict=True))
        except Exception as error:
            failed = error
        if apart is not None and failed is None:
            apart(own)
            return
        for number, first in enumerate(self.first_alike):
            if failed is not None and not all(game.knows_ends(number)[: 1 if self.looks else 2]):
                self._ask_alone(number)
            if first == number:
                self._explain(number)
            else:
                self._repeat(number)
        if failed is not None:  # it fails at no input alone: all are kept, and the error is told
            raise failed

    def begin_again(self) -> None:
        """Forget what was found, but not that it was asked for."""
        self.lost = self.record.rows - self.record.game.used(0)
        self.found, self.ends, self.inside = [], {}, replace(self.inside)

    def take(self, number: int, found: dict[str, Explanation]) -> None:
        """What was found elsewhere of an input, and so of those that are the same."""
        game = self.record.game
        if self.looks and found:
            game.know_ends(number, (None, next(iter(found.values())).prediction))
            game.ends_of([number], users=1)  # counts them
        self.found[number] = found
        for other, first in enumerate(self.first_alike):
            if first == number != other:
                self._repeat(other)

    def _repeat(self, number: int) -> None:
        """The same input again is not asked again."""
        one, first = self.record.game.inputs[number], self.first_alike[number]
        self.found[number] = {k: replace(e, label=one.label, meta=dict(e.meta)) for k, e in self.found[first].items()}

    def _ask_alone(self, number: int) -> None:
        """Ask v(nothing) and v(N) of an input alone, after the question about all failed: it may have been for another."""
        game = self.record.game
        if self.looks:
            game.ask_nothing([number], users=1)
        else:
            game.ends_of([number], users=1)

    def _explain(self, number: int) -> None:
        """All methods at one input, one after the other."""
        game, one = self.record.game, self.record.game.inputs[number]
        if self.looks:  # v(N) comes along
            self.inside.view_of_input(number, 0)
        empty, full = self.ends[number] if number in self.ends else game.ends_of([number], users=1)[0]
        for key, (method, layer) in self.placed.items():
            if isinstance(game.space, TabularSpace) and isinstance(method, OfRow):
                row = TableRow(game, number, game.learn().columns, empty, full, self.inside.known)
                fields, notes = self._of_row(key, method, row)
            elif isinstance(method, OfPixels):
                fields, notes = self._of_picture(key, method, layer, number)
            elif isinstance(method, OfLayer):
                fields, notes = self._of_layer(key, method, layer, number)
            else:
                fields, notes = self._of_control(key, method, number)
            shape = len(one.names), len(game.outputs)
            values = returned.numbers(f"{key}: values", fields["values"], shape, "players and outputs")
            rounding = np.full(shape, ROUNDING * np.abs(values).max(initial=0.0))
            fields["stderr"] = np.maximum(fields["stderr"], rounding) if "stderr" in fields else rounding
            meta = self._meta(key, number, notes)
            self.found[number][key] = self.record.explanation(one, method, (empty, full), meta, **fields)

    def _of_row(self, key: str, method: OfRow, row: TableRow) -> Mapped:
        predictor = row.predictor
        began, rows, seconds = time.perf_counter(), predictor.rows, predictor.seconds
        values, notes = returned.with_notes(f"{key}: of_row()", method.of_row(row), "values (P, K)")
        own = time.perf_counter() - began - (predictor.seconds - seconds)  # what the model took is told by its rows
        shared = self._others(key, lambda _, m: method.at_x and isinstance(m, OfRow) and m.at_x)
        asked = 1 if method.at_x else predictor.rows - rows
        return {"values": values}, {"rows": asked, "rows_shared_with": shared, "own_seconds": own} | notes

    def _of_picture(self, key: str, method: OfPixels, layer: int, number: int) -> Mapped:
        from perturbxai.baseline_methods.graph import NoRule

        inside, what = self.inside, method.shares or key
        pixels = inside.pixels(number, layer)
        try:
            found: PixelMap = returned.of_type(f"{key}: of_picture()", method.of_picture(pixels), PixelMap)
        except NoRule as error:
            raise NoRule(f"{key}: {error}") from None
        finally:
            inside.count(pixels)
        shape = len(inside.game.outputs), *pixels.one.labels.shape
        returned.numbers(f"{key}: heat", found.heat, shape, "outputs and pixels")
        notes = {
            "pool": "sum", "score": inside.score, "rows": method.passes + pixels.rows,
            "rows_shared_with": self._others(key, lambda k, m: (method.passes and m.passes) or (m.shares or k) == what),
            "own_rows": pixels.rows, "own_seconds": pixels.seconds,
        }  # fmt: skip
        if method.passes:
            notes["layer"] = inside.places(pixels.one.picture)[layer].label
        values = pixels.one.pool(found.heat).T
        fields = {"values": values, "heat": found.heat, "df": found.df}
        if found.stderr is not None:
            fields |= {"stderr": found.stderr, "critical": independent_factor(len(values), found.df)}
        return fields, notes | found.notes

    def _of_layer(self, key: str, method: OfLayer, layer: int, number: int) -> Mapped:
        inside, one = self.inside, self.record.game.pictures[number]
        fill = inside.view_of_fill(one.fill, layer, key) if method.needs_fill else None
        seen = inside.view_of_input(number, layer)
        rows, seconds = inside.asked
        cells = method.cells(seen, fill)
        returned.numbers(f"{key}: cells", cells, (len(inside.game.outputs), None, None), "outputs and cells of the layer")
        heat = method.enlarged(cells, one.labels.shape)
        asked = inside.asked[0] - rows
        notes: dict[str, Any] = {
            "pool": "sum", "layer": inside.places(one.picture)[layer].label, "score": inside.score,
            "map": method.paper_map(cells),
            "empty_maps": [output for output, cell in zip(inside.game.outputs, cells, strict=True) if not cell.any()],
        }  # fmt: skip
        if method.by_asking:
            notes |= {"rows": method.passes + asked, "own_rows": asked, "own_seconds": inside.asked[1] - seconds}
        return {"values": one.pool(heat).T, "heat": heat}, notes

    def _of_control(self, key: str, method: Baseline, number: int) -> Mapped:
        game, one = self.record.game, self.record.game.inputs[number]
        if isinstance(method, OfPlayers):
            n_players, n_outputs = len(one.names), len(game.outputs)
            values = method.values(n_players, n_outputs, lambda seed: np.random.default_rng([seed, *one.digest]))
            return {"values": values}, {}
        assert isinstance(method, OfPicture)
        picture = game.pictures[number]
        heat = method.heat(read_only(picture.picture))
        returned.numbers(f"{key}: heat", heat, picture.labels.shape, "pixels")
        heat = np.repeat(heat[None], len(game.outputs), axis=0)
        return {"values": picture.pool(heat).T, "heat": heat}, {"pool": "sum"}

    def _others(self, key: str, alike: Callable[[str, Baseline], object]) -> list[str]:
        return [k for k, (method, _) in self.placed.items() if k != key and alike(k, method)]

    def _meta(self, key: str, number: int, notes: dict[str, Any]) -> dict[str, Any]:
        """notes: of the method, whose rows are its own"""
        method, _ = self.placed[key]
        game = self.record.game
        searched = self.inside.searched.get(game.pictures[number].picture.shape, 0) if method.passes else 0
        once = self._once(method, self.record.ends(number), searched, number in self.inside.came_along)
        one = game.inputs[number]
        others = self._others(key, lambda _, m: method.passes and m.passes)
        meta = self.record.meta(one, method.passes, once, looked_at=one.active, shared_with=others) | notes
        return meta | {"rows": meta["rows"] + sum(once.values())}

    def _once(self, method: Baseline, ends: dict[str, int], searched: int, along: int) -> dict[str, int]:
        """What is asked once for all methods, as far as this one needs it.

        along: of how many inputs v(N) came with the look that the method counts as its own
        """
        if method.passes and along:
            ends = {NOTHING: ends[ENDS] - along}
        looks = method.passes or isinstance(method, OfPixels)
        once = {SEARCHED: searched, LAID_ASIDE: self.lost if looks else 0}
        return ends | {what: n for what, n in once.items() if n}

    def attributions(self) -> dict[str, Attribution]:
        self.record.apart = self.inside.asked
        found = {key: {n: f[key] for n, f in enumerate(self.found) if key in f} for key in self.placed}
        return {key: self._attribution(key, own) for key, own in found.items() if own}

    def _attribution(self, key: str, parts: dict[int, Explanation]) -> Attribution:
        """The results of all inputs, by number; what several of them have in common counts once."""
        game, (method, _) = self.record.game, self.placed[key]
        asked = [parts[n].meta for n in parts if self.first_alike[n] == n]
        searched = sum(self.inside.searched.values()) if method.passes else 0
        n_ends = game.used(0) if self.n_ends is None else self.n_ends
        once = self._once(method, {ENDS: n_ends}, searched, len(self.inside.came_along & parts.keys()))
        own = sum(meta["rows"] - sum(meta["rows_once_a_call"].values()) for meta in asked)
        measured = {what: sum(meta[what] for meta in asked) for what in ("own_rows", "own_seconds") if what in asked[0]}
        rows = own - self.inside.shared.get(key, 0) + sum(once.values())
        return self.record.attribution(key, list(parts.values()), rows, once, **measured)
