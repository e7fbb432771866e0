"""One call of explain(): what each method asks of each input, in blocks of inputs, and what it concludes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from perturbxai import registry
from perturbxai.driving import Work, chunks, drive
from perturbxai.explanation import Attribution, Explanation
from perturbxai.game import Game
from perturbxai.laws import Law
from perturbxai.predictor import ModelError
from perturbxai.sampling import least_budget
from perturbxai.spaces import TabularSpace
from perturbxai.streams import Streams
from perturbxai.tables import Players, Unanswered
from perturbxai.versions import versions

IMAGE_BUDGET = 1000
LISTED_PLAYERS = 10  # up to here a table's default budget lists all coalitions


@dataclass
class Call:
    """One call of explain(): what is asked of which input, in blocks of inputs so that tables do not pile up."""

    named: dict[str, Any]
    game: Game
    seed: int
    asked_budget: int | None

    def __post_init__(self) -> None:
        space = self.game.space
        self.kind = "table" if isinstance(space, TabularSpace) else "image"
        self.streams = Streams(self.seed)
        self.common: dict[Any, Any] = {}
        self.costs: dict[str, dict[Any, int]] = {key: {} for key in self.named}  # rows, by what is asked once a call
        self.began = time.perf_counter(), self.game.predictor.rows, self.game.predictor.seconds
        self._laws: dict[int, dict[str, Law]] = {}
        self.by_law = {k: m for k, m in self.named.items() if self.kind in getattr(m, "law_on", ("table", "image"))}

    def budget(self, n_players: int, method: Any = None) -> int:
        """Coalitions an input, or what a method with questions of its own may ask."""
        if self.asked_budget is not None:
            return self.asked_budget
        if method is not None and hasattr(method, "default_budget"):
            return int(method.default_budget)
        if self.kind == "image":
            return IMAGE_BUDGET
        return 2**n_players if n_players <= LISTED_PLAYERS else 40 * n_players + 2

    def laws(self, n_active: int) -> dict[str, Law]:
        if n_active not in self._laws:
            self._laws[n_active] = {key: method.law(n_active) for key, method in self.by_law.items()}
        return self._laws[n_active]

    def players(self, number: int, method: Any) -> Players:
        """What a generator may know of an input: its active players, or all if it asks for them."""
        one, space = self.game.inputs[number], self.game.space
        if not isinstance(space, TabularSpace):
            names = tuple(one.names[p] for p in one.active)
            return Players(self.kind, names, self.common, lambda: self.streams.of_call("rows"))
        chosen = self.chosen(one, method)
        columns = tuple(tuple(np.flatnonzero(space.player_of_column == p).tolist()) for p in chosen)
        return Players(
            self.kind, tuple(one.names[p] for p in chosen), self.common, lambda: self.streams.of_call("rows"),
            space.codes, space.weights, space.background, space.background_weights, one.codes, columns,
            space.columns.numeric, space.columns.whole, space.columns.levels,
        )  # fmt: skip

    @staticmethod
    def chosen(one: Any, method: Any) -> Any:
        """Numbers of the players that a method concludes about; the others, whose absence changes nothing, get 0."""
        return np.arange(len(one.names)) if getattr(method, "all_players", False) else one.active

    def check(self) -> None:
        """Everything that can be known without the model."""
        for number, one in enumerate(self.game.inputs):
            n_active = len(one.active)
            budget = self.budget(len(one.names))
            laws = list(self.laws(n_active).values())
            least = least_budget(laws, n_active) if laws else 0
            if budget < least:
                raise ValueError(
                    f"budget={budget} is below the {least} coalitions that {', '.join(self.by_law)} need together at "
                    f"{n_active} players. Ask for budget={least} or more, or merge players into groups."
                )
            for key, method in self.named.items():
                if key in self.by_law:
                    continue
                players = self.players(number, method)
                if hasattr(method, "check"):
                    method.check(players)
                budget = self.budget(len(one.names), method)
                if budget < (least := method.least(players)):
                    raise ValueError(
                        f"budget={budget} is below the {least} rows that {key} needs at {players.n_players} players. "
                        f"Ask for budget={least} or more, or for fewer players."
                    )

    def run(self) -> list[dict[str, Explanation]]:
        """By input, by method. A failing model keeps what was concluded before: `error.partial`."""
        done: list[dict[str, Explanation]] = []
        self.game.learn()
        for numbers in self._blocks():
            try:
                works = [self._work(number) for number in numbers]
                drive(self.game, works)
                # small solves: threads of BLAS beside a network's own wait for each other far longer than they work
                with threadpool_limits(1, user_api="blas"):
                    done += [self._conclude(work) for work in works]
            except ModelError as error:
                done += self._salvage(numbers)
                error.partial = self.attributions(done) if done else error.partial
                raise
        return done

    def _salvage(self, numbers: list[int]) -> list[dict[str, Explanation]]:
        """What can still be concluded of these inputs from the answers that came before a failure."""
        self.game.offline()
        found = []
        for number in numbers:
            work = self._work(number)
            generators, work.generators = work.generators, {}
            try:
                drive(self.game, [work])
            except Unanswered:
                continue
            for key, generator in generators.items():
                work.generators = {key: generator}
                with contextlib.suppress(Unanswered):
                    drive(self.game, [work])
            found.append(self._conclude(work))
        return found

    def _blocks(self) -> Iterator[list[int]]:
        widest = max(len(one.names) for one in self.game.inputs)
        per_line = len(self.game.space.background) if isinstance(self.game.space, TabularSpace) else 1
        rows = self.budget(widest) * per_line if self.by_law else per_line
        rows += sum(self.budget(widest, m) for key, m in self.named.items() if key not in self.by_law)
        return chunks(len(self.game.inputs), rows)

    def _work(self, number: int) -> Work:
        one = self.game.inputs[number]
        n_active = len(one.active)
        work = Work(number, n_active, self.streams.order(n_active, one.digest))
        if self.by_law:
            laws = self.laws(n_active)
            budget = self.budget(len(one.names))
            work.design = self.streams.design(tuple(laws), list(laws.values()), n_active, budget)
            work.wants_spread = any(getattr(m, "wants_spread", False) for m in self.by_law.values())
        for key, method in self.named.items():
            if key not in self.by_law:
                rng = self.streams.of_input(one.digest, registry.key_of(method))
                work.generators[key] = method.ask(self.players(number, method), self.budget(len(one.names), method), rng)
        if work.generators and self.kind == "image":
            held_out = self.streams.held_out(n_active)[:, work.order]
            work.held_out = {row.tobytes(): h for h, row in enumerate(np.packbits(held_out, axis=1))}
        return work

    def _conclude(self, work: Work) -> dict[str, Explanation]:
        one = self.game.inputs[work.number]
        table = work.table
        scale = np.maximum(np.abs(work.empty), np.abs(work.full)) if table is None else table.scale
        floor = 8 * np.finfo(float).eps * scale  # an error is never below rounding
        nothing, n_nothing = self.game.nothing(work.number)
        found = {}
        shared = list(self.by_law)
        for key, method in self.named.items():
            if key not in self.by_law and key not in work.estimates:
                continue  # the model failed before this method had its answers
            if key in self.by_law:
                estimate, rows = method.estimate(table), work.table_rows
                order, others = work.order, [k for k in shared if k != key]
                self.costs[key] |= {("nothing", nothing): n_nothing, one.digest: rows - n_nothing}
            else:
                estimate, rows = work.estimates[key], work.rows[key]
                order, others = np.arange(len(estimate.values)), []
                self.costs[key] |= estimate.notes.get("rows_once_a_call", {one.digest: rows})
            chosen = self.chosen(one, method)
            meta = self._meta(one, chosen, rows, others) | estimate.notes
            if key in self.by_law and work.design is not None:
                meta |= {"coalitions": len(work.design.z) + 2, "listed": work.design.listed}
            else:
                meta["gap"] = (work.full - work.empty - estimate.values.sum(axis=0)).tolist()
            if work.held_out_asked.get(key):
                meta["held_out_asked"] = sorted(work.held_out_asked[key])
            found[key] = Explanation(
                values=_embed(estimate.values[order], one, chosen, 0.0),
                stderr=_embed(np.maximum(estimate.stderr[order], floor), one, chosen, floor),
                critical=estimate.critical,
                df=estimate.df,
                base=work.empty,
                prediction=work.full,
                names=one.names,
                outputs=self.game.outputs,
                label=one.label,
                input=one.source,
                method=method,
                meta=meta,
                stderr_background=None
                if estimate.stderr_background is None
                else _embed(estimate.stderr_background[order], one, chosen, 0.0),
                columns=estimate.columns,
            )
        return found

    def _meta(self, one: Any, chosen: Any, rows: int, others: list[str]) -> dict[str, Any]:
        predictor = self.game.predictor
        merged = [name for p, name in enumerate(one.names) if p not in set(chosen.tolist())]
        meta: dict[str, Any] = {
            "seed": self.seed, "rows": rows, "rows_shared_with": others, "merged": merged, "plan": predictor.plan,
            "scale": predictor.output, "versions": versions(),
            "seconds": rows * predictor.seconds / max(predictor.rows, 1),
        }  # fmt: skip
        return meta | self.game.space.meta

    def attributions(self, found: list[dict[str, Explanation]]) -> dict[str, Attribution]:
        predictor = self.game.predictor
        began, rows_before, seconds_before = self.began
        spent = {
            "call_rows": predictor.rows - rows_before,
            "call_model_seconds": predictor.seconds - seconds_before,
            "call_seconds": time.perf_counter() - began,
        }
        results = {}
        for key in self.named:
            parts = tuple(replace(f[key], meta=f[key].meta | spent) for f in found if key in f)
            if not parts:
                continue
            rows = sum(self.costs[key].values())
            seconds = rows * predictor.seconds / max(predictor.rows, 1)
            results[key] = Attribution(parts, parts[0].meta | {"name": key, "rows": rows, "seconds": seconds})
        return results


def _embed(values: Any, one: Any, chosen: Any, rest: Any) -> Any:
    """(P, K) over all players: those that were not looked at, because absence cannot change them, have no effect."""
    full = np.empty((len(one.names), values.shape[1]))
    full[:] = rest
    full[chosen] = values
    return full
