"""reference(): the original packages lime and shap through the same Predictor, beside our own methods."""

from dataclasses import dataclass, fields
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.calls.arguments import AnyModel, AnySpace, asked, check_budget, default_budget
from perturbxai.calls.record import ENDS, Record
from perturbxai.core import catalogue, checks
from perturbxai.core.stopping import keeping
from perturbxai.core.types import Inputs, Outputs, PlayerValues
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import Input, TabularSpace
from perturbxai.peers.packages import LARGEST_SEED, kept_state, seed_state
from perturbxai.peers.shap_peers import MOST_EXACT
from perturbxai.peers.task import Peer, Task
from perturbxai.results.explanation import Attribution, Explanation
from perturbxai.sampling.asked import tell_names, tell_players
from perturbxai.sampling.strata import name_coalitions

CLOSE = 1e-6  # relative gap up to which a peer that draws nothing counts as exact


def reference(
    name: str,
    predictor: AnyModel,
    space: AnySpace,
    x: Inputs,
    *,
    outputs: Outputs | None = None,
    budget: int | None = None,
    seed: int = 0,
    as_shipped: bool = False,
    **options: ArrayLike | None,
) -> dict[str, Attribution]:
    """Explain rows or pictures by the original packages lime and shap, to set beside our own: `results | reference(...)`.

    The peer runs as its package has it, and every question that it asks goes through the predictor, where it is counted.

    name        "lime.tabular", "lime.image"; "shap.kernel", "shap.permutation", "shap.exact", "shap.partition",
                "shap.sampling", "shap.tree"
    predictor   the model, or px.Predictor(model) with its options
    space       as in `explain`. Of a table the peers see the columns as numbers, and all rows of the space's background; of
                a photo its superpixels and its fill
    x, outputs  as in `explain`
    budget      coalitions an input, None for the default of `explain`. What the package is told of it:
                shap.kernel       nsamples = budget - 2
                shap.permutation  max_evals = budget, of which it uses whole walks of 2 P + 1
                shap.exact        nothing: it asks all 2^P, and is refused if the budget is below
                shap.partition    max_evals = budget, rounded down to even
                shap.sampling     nsamples = half the model rows that the budget stands for, less background and input
                shap.tree         nothing: it reads the trees and asks the model nothing
                lime.image        num_samples = budget - 1
                lime.tabular      num_samples = budget, which are model rows; 5,000 by default
                A peer asks at most budget x background rows (lime.tabular: budget). What it did not ask of `base` and
                `prediction` is asked besides, and told in `meta["rows_once_a_call"]`
    seed        of NumPy's global state, from which shap draws, and of lime's own; set anew for each input, so that a row has
                one answer in any company. The global state is left as it was, also if the model fails
    as_shipped  True for what users of the package get: its own defaults, its own budget, and one random state that goes on
                from input to input. The key is then "name(as_shipped=True)"
    options     the peer's own, by its package's names where it has them:
                `over` (shap but tree)  what the peer is shown: "columns", "coalitions" as zeros and ones, or "auto"
                shap.kernel     `l1_reg` (0)
                shap.partition  `clustering`
                shap.sampling   `min_samples_per_feature`
                shap.tree       `feature_perturbation`
                lime.tabular    `discretizer`, `kernel_width`, `sample_around_instance` (True), `feature_selection` ("none"),
                                `num_features`, `ridge` (1.0), `value`
                lime.image      `kernel_width`, `feature_selection`, `num_features`, `ridge`

    Returns {name: Attribution}, its `values` (N, P, K) in output units. `stderr` is infinite, for no peer has an error that
    covers, but rounding where nothing was drawn. `meta` has `gap` (prediction - base - the sum of the values, by output),
    `peer_base` (what the peer takes for the base) and, of peers that ask whole coalitions, which (`asked_coalitions`).
    Raises, before the model is asked, ImportError if the package is not there; TypeError for unknown options and for models
    that shap.tree cannot read; ValueError for unknown names, for inputs and groups that the peer does not take, and for a
    budget that is too small. Raises ModelError if the model fails on the way, with what was finished in `partial`.

    >>> import numpy as np, perturbxai as px
    >>> space = px.TabularSpace(np.zeros((1, 2)))
    >>> px.reference("lime.image", px.Predictor(lambda X: X[:, 0]), space, [[3.0, 2.0]])
    Traceback (most recent call last):
    ...
    ValueError: lime.image explains pictures; for rows of a table take 'lime.tabular'.
    """
    method = _method(name, checks.flag("as_shipped", as_shipped), options)
    predictor, space = asked(predictor, space)
    seed, budget = checks.seed(seed), check_budget(budget)
    if seed > LARGEST_SEED:
        raise ValueError(f"seed={seed} is above {LARGEST_SEED}, the largest that numpy's old generators take.")
    call = _Call(method, Game(predictor, space, x, outputs), budget, seed)
    with kept_state():
        call.check()
        with predictor.watched("reference"):
            found = call.run()
    return {call.key: found}


def _method(name: str, as_shipped: bool, options: dict[str, ArrayLike | None]) -> Peer:
    """The peer of this name with its options. Raises ValueError for an unknown name, TypeError for an unknown option."""
    if not isinstance(name, str):
        raise TypeError(f"name is {type(name).__name__}; expected one of {', '.join(catalogue.PEERS)}.")
    peer = catalogue.load(catalogue.PEERS, name)
    known = [f.name for f in fields(peer) if f.name != "as_shipped"]
    for option in options:
        if option not in known:
            raise TypeError(f"{name} has no option {option!r}; it has {', '.join(known)}.")
    own = peer.own if as_shipped else {}
    found: Peer = peer(**(own | options), as_shipped=as_shipped)
    return found


@dataclass
class _Call:
    """One call of reference(): a peer at the inputs of a game, one after the other."""

    method: Peer
    game: Game
    asked_budget: int | None
    seed: int

    def __post_init__(self) -> None:
        self.key = self.method.key + "(as_shipped=True)" * self.method.as_shipped
        space = self.game.space
        self.n_rows = len(space.background) if isinstance(space, TabularSpace) else 1
        self.record = Record(self.game, self.seed)
        self.beside = 0  # rows for v(nothing) and v(N) that no peer was told of

    def budget(self, one: Input) -> int | None:
        """Coalitions for an input; None where the peer's own default holds."""
        if self.asked_budget is not None:
            return self.asked_budget
        if self.method.key == "shap.exact":
            return int(2 ** min(len(one.active), MOST_EXACT))
        if self.method.as_shipped or self.method.key == "lime.tabular":
            return self.method.own_budget
        return default_budget(self.game.space, len(one.names))

    def check(self) -> None:
        """Everything that can be known without the model."""
        self.method.check_game(self.game)
        self.record.versions[self.method.package] = version(self.method.package)
        for one in self.game.inputs:
            budget, n_active = self.budget(one), len(one.active)
            if budget is not None and budget < (least := self.method.least(n_active, self.n_rows)):
                raise ValueError(
                    f"budget={budget} is below the {least} that {self.method.key} needs at {n_active} players. "
                    f"Ask for budget={least} or more, or for fewer players."
                )

    def run(self) -> Attribution:
        found: list[Explanation] = []
        stream = seed_state(self.seed)
        with keeping(lambda: {self.key: self._attribution(found)} if found else None):
            self.game.learn()
            self.beside = self.record.rows
            for number, one in enumerate(self.game.inputs):
                seed = self.seed
                if not self.method.as_shipped:
                    stream = seed_state(self.seed)
                elif number:  # what seeds by a number goes on by another; lime's stream is not to be drawn from
                    seed = int(np.random.default_rng([self.seed, number]).integers(2**31))
                found.append(self._explain(Task(self.game, number, self.budget(one), stream, seed)))
        return self._attribution(found)

    def _explain(self, task: Task) -> Explanation:
        asked = self.record.rows
        answer = self.method.explain(task)
        own = self.record.rows - asked
        ends_too = answer.notes.get("asked_over") == "coalitions"
        if ends_too and task.number == 0:
            own += 1  # the whole input, which the peer asked too, and was told from memory
            self.beside -= 1
        asked = self.record.rows
        empty, full = ends = self.game.ends(task.number)
        self.beside += self.record.rows - asked
        self._refuse_nan(answer.values, task.one)
        scale = np.maximum(np.abs(empty), np.abs(full))
        gap = full - empty - answer.values.sum(axis=0)
        exact = answer.exact and bool((np.abs(gap) <= CLOSE * scale).all())
        floor = answer.rounding * np.maximum(scale, np.abs(answer.values).max(axis=0, initial=0.0))
        stderr = np.broadcast_to(floor if exact else np.inf, answer.values.shape).copy()
        once = {ENDS: 0} if ends_too else self.record.ends(task.number)
        peer_base = None if answer.base is None else np.asarray(answer.base).tolist()
        meta = self.record.meta(task.one, own + sum(once.values()), once, budget=task.budget, looked_at=task.one.active)
        meta |= {"as_shipped": self.method.as_shipped, "peer_base": peer_base, "gap": gap.tolist()} | answer.notes
        meta |= self._asked(task)
        return self.record.explanation(
            task.one, self.method, ends, meta, values=answer.values, stderr=stderr, df=np.inf if exact else 0.0,
            columns=answer.columns,
        )  # fmt: skip

    def _refuse_nan(self, values: PlayerValues, one: Input) -> None:
        if dead := [o for k, o in enumerate(self.game.outputs) if not np.isfinite(values[:, k]).all()]:
            raise ValueError(
                f"{self.method.key} gives values that are not finite for the outputs {dead} of row {one.label!r} (of an "
                "output that nothing moves, or a singular fit); leave them out of outputs=, or raise budget=."
            )

    def _asked(self, task: Task) -> dict[str, Any]:
        """What is known of the coalitions that the peer asked whole: none of them is to score it."""
        if not task.asked:
            return {}
        n_active, n_asked = len(task.one.active), len(task.asked)
        packed = np.frombuffer(b"".join(task.asked), dtype=np.uint8).reshape(n_asked, -1)
        names = name_coalitions(np.unpackbits(packed, axis=1, count=n_active).astype(bool))
        asked = tell_names([names], n_active) | tell_players(task.one.active, len(task.one.names))
        return {"coalitions": n_asked, "listed": n_asked == 2**n_active, "asked_coalitions": asked}

    def _attribution(self, found: list[Explanation]) -> Attribution:
        rows = self.beside + sum(one.meta["rows"] - sum(one.meta["rows_once_a_call"].values()) for one in found)
        return self.record.attribution(self.key, found, rows, {ENDS: self.beside})
