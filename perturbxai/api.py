"""explain(): one set of questions for all methods, driven together in full batches."""

from __future__ import annotations

import contextlib
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from perturbxai import registry
from perturbxai.driving import Work, chunks, drive
from perturbxai.explanation import Attribution, Explanation
from perturbxai.game import Game, Unanswered
from perturbxai.laws import Law
from perturbxai.predictor import ModelError, Predictor
from perturbxai.sampling import least_budget
from perturbxai.spaces import ImageSpace, Space, TabularSpace
from perturbxai.streams import Streams
from perturbxai.tables import Players

IMAGE_BUDGET = 1000
LISTED_PLAYERS = 10  # up to here a table's default budget lists all coalitions


def explain(
    methods: str | Sequence[Any],
    predictor: Predictor,
    space: Space,
    x: Any,
    *,
    outputs: Any = None,
    budget: int | None = None,
    seed: int = 0,
) -> dict[str, Attribution]:
    """Explain rows or pictures by several methods at once.

    methods    names ("lime", "kernel_shap", "pdp", "ice", "ale") or method objects; a class that is given twice is keyed
               with the fields that differ, and `name=` overrides
    predictor  the model;  space  what the players of x are and what their absence looks like
    x          rows of a table (DataFrame, (N, D) or (D,)), one picture (H, W, C), or several
    outputs    names or numbers; None means all up to 20, else the five highest at the first input
    budget     coalitions an input, the empty and the full one included; each costs B model rows on a table, one on a
               picture. Default: 2^P on tables of up to 10 players, else 40 P + 2; 1,000 on pictures. Never exceeded.
               Methods of coalitions share one table; on pictures pdp and ale have a table of their own, of as many rows.
    seed       the same seed asks the same questions at any batch size, in any company and order of the inputs

    Returns a mapping from name to Attribution; mappings join with `|`.
    Raises ValueError, before the model is asked, for unknown methods and outputs, wrong inputs, and budgets below what the
    methods need; ModelError, with what was computed in `partial`, if the model fails on the way.

    >>> import numpy as np
    >>> space = TabularSpace(np.zeros((1, 2)))
    >>> found = explain(["kernel_shap", "pdp"], Predictor(lambda X: X[:, 0] + X[:, 1] ** 2), space, [3.0, 2.0])
    >>> found["pdp"].values[0, :, 0].tolist()
    [3.0, 4.0]
    """
    named = name_methods(methods, registry.EXPLAINERS)
    if not isinstance(predictor, Predictor):
        raise TypeError(f"predictor is {type(predictor).__name__}; wrap the model: px.Predictor(model).")
    if not isinstance(space, (TabularSpace, ImageSpace)):
        raise TypeError(f"space is {type(space).__name__}; build px.TabularSpace(X) or px.ImageSpace() first.")
    seed, budget = check_seed(seed), check_budget(budget)
    game = Game(predictor, space, x, outputs)
    call = _Call(named, game, seed, budget)
    call.check()
    with predictor.watched("explain"):
        return call.attributions(call.run())


def name_methods(methods: Any, known: dict[str, str]) -> dict[str, Any]:
    """Keys and method objects: the class's name, with the fields that differ where a class comes twice."""
    given = [methods] if isinstance(methods, str) or not isinstance(methods, Sequence) else list(methods)
    if not given:
        raise ValueError(f"methods is empty; name at least one of {', '.join(known)}.")
    objects = [registry.load(known, m)() if isinstance(m, str) else m for m in given]
    for one in objects:
        if registry.key_of(one) not in known:
            raise TypeError(f"methods: {one!r} is none of {', '.join(known)}, nor an object of their classes.")
    named: dict[str, Any] = {}
    for one in objects:
        key = one.name or registry.key_of(one)
        twins = [o for o in objects if type(o) is type(one) and not o.name]
        if not one.name and len(twins) > 1:
            differ = [f.name for f in fields(one) if len({repr(getattr(o, f.name)) for o in twins}) > 1]
            if differ:
                key += "(" + ", ".join(f"{f}={getattr(one, f)!r}" for f in differ) + ")"
        if key in named:
            raise ValueError(f"methods: {key!r} comes twice; give one of them another name=.")
        named[key] = one
    return named


def check_seed(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed={seed!r} must be a whole number from 0 up.")
    return int(seed)


def check_budget(budget: Any) -> int | None:
    if budget is None:
        return None
    if isinstance(budget, bool) or not isinstance(budget, (int, np.integer)) or budget < 2:
        raise ValueError(f"budget={budget!r} must be a whole number of coalitions from 2 up, or None for the default.")
    return int(budget)


@dataclass
class _Call:
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

    def budget(self, n_players: int) -> int:
        if self.asked_budget is not None:
            return self.asked_budget
        if self.kind == "image":
            return IMAGE_BUDGET
        return 2**n_players if n_players <= LISTED_PLAYERS else 40 * n_players + 2

    def laws(self, n_active: int) -> dict[str, Law]:
        if n_active not in self._laws:
            self._laws[n_active] = {key: method.law(n_active) for key, method in self.by_law.items()}
        return self._laws[n_active]

    def players(self, number: int) -> Players:
        """What a generator may know of an input."""
        one, space = self.game.inputs[number], self.game.space
        names = tuple(one.names[p] for p in one.active)
        common = self.common
        if not isinstance(space, TabularSpace):
            return Players(self.kind, names, common, lambda: self.streams.of_call("rows"))
        columns = tuple(tuple(np.flatnonzero(one.player == a).tolist()) for a in range(len(names)))
        return Players(
            self.kind, names, common, lambda: self.streams.of_call("rows"), space.codes, space.weights,
            space.background, space.background_weights, one.codes, columns, space.columns.numeric,
        )  # fmt: skip

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
            players = self.players(number)
            for key, method in self.named.items():
                if hasattr(method, "check"):
                    method.check(players)
                if key not in self.by_law and budget < (least := method.least(players)):
                    raise ValueError(
                        f"budget={budget} is below the {least} rows that {key} needs at {n_active} players. "
                        f"Ask for budget={least} or more, or for fewer superpixels."
                    )

    def run(self) -> list[dict[str, Explanation]]:
        """By input, by method. A failing model keeps what was concluded before: `error.partial`."""
        done: list[dict[str, Explanation]] = []
        self.game.learn()
        for numbers in self._blocks():
            try:
                works = [self._work(number) for number in numbers]
                drive(self.game, works)
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
        return chunks(len(self.game.inputs), self.budget(widest) * per_line)

    def _work(self, number: int) -> Work:
        one = self.game.inputs[number]
        n_active = len(one.active)
        budget = self.budget(len(one.names))
        work = Work(number, n_active, self.streams.order(n_active, one.digest))
        if self.by_law:
            laws = self.laws(n_active)
            work.design = self.streams.design(tuple(laws), list(laws.values()), n_active, budget)
            work.wants_spread = any(getattr(m, "wants_spread", False) for m in self.by_law.values())
        players = self.players(number)
        for key, method in self.named.items():
            if key not in self.by_law:
                rng = self.streams.of_input(one.digest, registry.key_of(method))
                work.generators[key] = method.ask(players, budget, rng)
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
                order, others = np.arange(work.n_active), []
                self.costs[key] |= estimate.notes.get("rows_once_a_call", {one.digest: rows})
            meta = self._meta(work, one, rows, others) | estimate.notes
            if key not in self.by_law:
                meta["gap"] = (work.full - work.empty - estimate.values.sum(axis=0)).tolist()
            found[key] = Explanation(
                values=_embed(estimate.values[order], one, 0.0),
                stderr=_embed(np.maximum(estimate.stderr[order], floor), one, floor),
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
                else _embed(estimate.stderr_background[order], one, 0.0),
            )
        return found

    def _meta(self, work: Work, one: Any, rows: int, others: list[str]) -> dict[str, Any]:
        predictor = self.game.predictor
        merged = [name for p, name in enumerate(one.names) if p not in set(one.active.tolist())]
        meta: dict[str, Any] = {
            "seed": self.seed, "rows": rows, "rows_shared_with": others, "merged": merged, "plan": predictor.plan,
            "scale": predictor.output, "versions": versions(),
            "seconds": rows * predictor.seconds / max(predictor.rows, 1),
        }  # fmt: skip
        if work.design is not None:
            meta |= {"coalitions": len(work.design.z) + 2, "listed": work.design.listed}
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


def _embed(values: Any, one: Any, rest: Any) -> Any:
    """(P, K) over all players: those that absence cannot change have no effect."""
    full = np.empty((len(one.names), values.shape[1]))
    full[:] = rest
    full[one.active] = values
    return full


_versions: dict[str, str] = {}


def versions() -> dict[str, str]:
    """Versions of what computes: this package, Python, and the libraries under it."""
    if not _versions:
        from importlib.metadata import PackageNotFoundError, version

        _versions["python"] = platform.python_version()
        for package in ("perturbxai", "numpy", "numba", "scipy", "scikit-learn", "scikit-image", "pandas", "torch"):
            try:
                _versions[package] = version(package)
            except PackageNotFoundError:
                continue
    return dict(_versions)

