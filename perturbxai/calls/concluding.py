"""A call of explain() as it is answered, block by block, and what its methods conclude."""

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.calls.driving import drive, salvage
from perturbxai.calls.explain_call import Call, looked_at, within
from perturbxai.calls.library_threads import one_thread_of_blas
from perturbxai.calls.record import ENDS, Record
from perturbxai.calls.work import TABLED, Work
from perturbxai.core import returned
from perturbxai.core.evaluations import Estimate
from perturbxai.core.stopping import keeping
from perturbxai.core.types import Ints, PerOutput, PlayerValues
from perturbxai.estimation.spread import ROUNDING
from perturbxai.results.explanation import Attribution, Explanation
from perturbxai.sampling.asked import tell_names, tell_players


def over_all_players(estimate: Estimate, order: Ints, chosen: Ints, n_players: int, scale: PerOutput) -> dict[str, Any]:
    """An estimate as fields of an Explanation: its line `order[i]` is about player `chosen[i]` of all P.

    The others, which were not looked at, for absence cannot change them, have 0.  scale (K,): of the answers behind it
    """
    floor = ROUNDING * scale  # an error is never below rounding

    def embedded(values: PlayerValues, rest: float | PerOutput) -> PlayerValues:
        full = np.empty((n_players, len(scale)))
        full[:] = rest
        full[chosen] = values[order]
        return full

    found: dict[str, Any] = {
        "values": embedded(estimate.values, 0.0), "stderr": embedded(np.maximum(estimate.stderr, floor), floor),
        "critical": estimate.critical, "df": estimate.df, "heat": estimate.heat,
        "columns": {what: _column(np.asarray(own)[order], chosen, n_players) for what, own in estimate.columns.items()},
    }  # fmt: skip
    if estimate.stderr_background is not None:
        found["stderr_background"] = embedded(estimate.stderr_background, 0.0)
    if estimate.interactions is not None and estimate.interactions_stderr is not None:
        square = (n_players, n_players, len(floor))
        values, stderr = np.zeros(square), np.broadcast_to(floor, square).copy()
        inner, own = np.ix_(chosen, chosen), np.ix_(order, order)
        values[inner] = estimate.interactions[own]
        stderr[inner] = np.maximum(estimate.interactions_stderr[own], floor)
        stderr[np.diag_indices(n_players)] = 0.0  # a player has none with itself
        found |= {"interactions": values, "interactions_stderr": stderr}
    return found


def _column(own: NDArray[Any], chosen: Ints, n_players: int) -> NDArray[Any]:
    """A column of the players that were looked at, over all P: the others have a missing value."""
    if len(chosen) == n_players:
        return own
    number = own.dtype.kind in "iuf"
    full = np.full((n_players, *own.shape[1:]), np.nan if number else None, dtype=np.float64 if number else object)
    full[chosen] = own
    return full


class Run:
    """A call that is answered, block by block, and what its methods conclude."""

    def __init__(self, call: Call) -> None:
        self.call, self.game = call, call.game
        self.record = Record(call.game, call.seed)

    def attributions(self, numbers: Sequence[int] | None = None) -> dict[str, Attribution]:
        """By method, of the inputs with these numbers, or of all. Whatever stops it keeps what was concluded before:
        `error.partial`."""
        numbers = range(len(self.game.inputs)) if numbers is None else numbers
        done: list[dict[str, Explanation]] = []
        works: list[Work] = []
        with keeping(lambda: self._together(numbers, done + self._salvaged(works[len(done) - before :])) or None):
            before = 0  # inputs of the blocks before
            self.game.learn()
            self.call.check_outputs()
            for block in self.call.blocks(numbers):
                works, before = [self.call.work(number) for number in block], len(done)
                drive(self.game, works, self.call.more)
                done += self._concluded(works)
        return self._together(numbers, done)

    def _concluded(self, works: list[Work], whatever: bool = False) -> list[dict[str, Explanation]]:
        """What every method says of these inputs: here alone, so that it is solved alike however the answers came.

        whatever: leave out a method that cannot conclude
        """
        found: list[dict[str, Explanation]] = [{} for _ in works]
        with one_thread_of_blas():
            for own, work in zip(found, works, strict=True):
                for key in self.call.named:
                    with contextlib.suppress(*(Exception,) if whatever else ()):
                        own |= self._conclude(work, key)
        return found

    def _salvaged(self, left: list[Work]) -> list[dict[str, Explanation]]:
        """What can still be concluded of inputs from the answers that came before a failure."""
        self.game.offline()
        found = [salvage(self.game, work, self.call.work(work.number), self.call.more) for work in left]
        return self._concluded([work for work in found if work is not None], whatever=True)

    def _conclude(self, work: Work, key: str) -> dict[str, Explanation]:
        """What a method says of an input; nothing if the model failed before it had its answers."""
        method, one, table = self.call.named[key], self.game.inputs[work.number], work.table
        if key in self.call.by_law:
            estimate, order = self.call.estimate(key, table), work.order
        elif key in work.estimates:
            estimate = returned.estimate(key, work.estimates[key], len(looked_at(one, method)), len(work.full))
            order = np.arange(len(estimate.values))
        else:
            return {}
        scale = np.maximum(np.abs(work.empty), np.abs(work.full)) if table is None else table.scale
        chosen = looked_at(one, method)
        meta = self._meta(work, key, estimate, chosen)
        found = over_all_players(estimate, order, chosen, len(one.names), scale)
        return {key: self.record.explanation(one, method, (work.empty, work.full), meta, **found)}

    def _meta(self, work: Work, key: str, estimate: Estimate, chosen: Ints) -> dict[str, Any]:
        one, by_law = self.game.inputs[work.number], key in self.call.by_law
        asked_once = self.record.ends(work.number) | estimate.notes.get("rows_once_a_call", {})
        rows = work.rows[TABLED if by_law else key]
        if by_law and work.bases is not None:  # cells are counted without the background
            rows += self.game.background_rows
        meta = self.record.meta(
            one, max(rows, sum(asked_once.values())), asked_once,  # what an input before has asked is not asked again
            budget=self.call.budget(len(one.names), self.call.asking.get(key)), looked_at=chosen,
            shared_with=[k for k in self.call.by_law if by_law and k != key],
        )  # fmt: skip
        if background := self.game.background_rows:
            meta["background_rows"] = background
        meta |= estimate.notes | {"rows_once_a_call": asked_once}
        if self.call.tol is not None:
            meta |= {"tol": self.call.tol, "reached": within(estimate, self.call.tol), "stages": work.stage + 1}
        asked: dict[str, Any] = {}
        if by_law and work.design is not None:
            said, asked = work.told
            meta |= said
        else:
            meta["gap"] = (work.full - work.empty - estimate.values.sum(axis=0)).tolist()
            if names := work.asked.get(key):
                asked = dict(tell_names(names, work.n_active))
        return meta | ({"asked_coalitions": asked | tell_players(one.active, len(one.names))} if asked else {})

    def _together(self, numbers: Sequence[int], found: list[dict[str, Explanation]]) -> dict[str, Attribution]:
        """By method. What is asked once a call is told of all inputs together."""
        results = {}
        for key in self.call.named:
            if parts := [f[key] for f in found if key in f]:
                rows, ends = self.game.used(self.call.numbers[key]), self.record.ends(*numbers[: len(found)])
                asked_once = {what: n for one in parts for what, n in one.meta["rows_once_a_call"].items()} | {ENDS: 0}
                # an explained row that is also among those that are drawn counts there
                asked_once[ENDS] = min(ends[ENDS], rows - sum(asked_once.values()))
                results[key] = self.record.attribution(key, parts, rows, asked_once)
        return results
