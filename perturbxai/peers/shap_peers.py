"""The model-agnostic explainers of the package shap."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perturbxai.core import checks
from perturbxai.core.types import Floats, Presence
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import Input, TabularSpace
from perturbxai.peers.packages import Foreign, load_shap
from perturbxai.peers.task import Found, Peer, Seat, Task, obstacles, over_coalitions, over_columns

NOTHING_FLIPS = 2147483647  # shap's sign in a list of flips that a mask is the one before
LEAST_SPREAD = 1e-300  # no spread at all, as a number to divide by
MOST_EXACT = 16  # players whose 2^P coalitions shap's own limit of 100,000 holds


@dataclass(frozen=True, kw_only=True)
class ShapPeer(Peer, ABC):
    """What shap's explainers of coalitions have in common.

    over        "columns": shap hides columns of the coded table itself, by the space's background rows (all of them: its cut
                at 100 rows is lifted). "coalitions": it is asked over zeros and ones, and our game hides. "auto": columns,
                but coalitions for pictures, groups and weighted backgrounds that it does not know, missing values, and
                values so close that it takes them for equal
    as_shipped  its random state goes on from input to input, and close values count as equal
    """

    over: str = "auto"
    as_shipped: bool = False
    knows: ClassVar[dict[str, bool]] = {"groups": False, "weights": False}
    everybody: ClassVar[bool] = False  # whether players that absence cannot change are among its own

    def __post_init__(self) -> None:
        checks.one_of("over", self.over, ("auto", "columns", "coalitions"))

    def check_game(self, game: Game) -> None:
        """Refuse, before the model is asked, what shap cannot take."""
        load_shap()
        for one in game.inputs:
            hard = {what: why for what, why in self._blocked(game, one).items() if what != "tolerance"}
            if self.over == "columns" and hard:
                raise ValueError(
                    f'{self.key}: over="columns" is not possible: {"; ".join(hard.values())}. Take over="coalitions", where '
                    'it is asked over zeros and ones, or "auto".'
                )

    def explain(self, task: Task) -> Found:
        values = np.zeros((len(task.one.names), task.n_outputs))  # players that the peer does not see have none
        if len(task.one.active) < 2:  # nothing to share out, and shap's explainers do not all take so little
            empty, full = task.game.ends(task.number)
            values[task.one.active] = full - empty
            return Found(values, exact=True, base=empty, notes={"asked_over": "coalitions"})
        columns = self.over == "columns" or (self.over == "auto" and not self._blocked(task.game, task.one))
        seat = over_columns(task) if columns else over_coalitions(task, everybody=self.everybody)
        found = self._run(task, seat)
        values[seat.players] = np.reshape(found.values, (len(seat.players), task.n_outputs))
        return Found(values, found.exact, base=found.base, notes=found.notes | {"asked_over": seat.over})

    def _blocked(self, game: Game, one: Input) -> dict[str, str]:
        return obstacles(game.space, one, tolerant=self.as_shipped, **self.knows)

    @abstractmethod
    def _run(self, task: Task, seat: Seat) -> Found:
        """Ask shap for one input."""


@dataclass(frozen=True, kw_only=True)
class ShapKernel(ShapPeer):
    """shap.KernelExplainer, which knows groups and weighted backgrounds.

    l1_reg      0: no selection. As shipped "num_features(10)", which keeps about ten values whatever the budget
    over, as_shipped  as for the others of shap
    """

    l1_reg: Any = 0
    key: ClassVar[str] = "shap.kernel"
    own: ClassVar[dict[str, Any]] = {"l1_reg": "num_features(10)"}
    knows: ClassVar[dict[str, bool]] = {"groups": True, "weights": True}

    def least(self, n_active: int, _n_rows: int) -> int:
        return int(min(2 * n_active + 2, 2**n_active))

    def _run(self, task: Task, seat: Seat) -> Found:
        shap = load_shap()
        from shap.utils._legacy import DenseData  # type: ignore[import-untyped]

        names = [task.one.names[p] for p in seat.players]
        data = DenseData(seat.background, names, seat.columns, seat.weights)
        explainer = shap.KernelExplainer(seat.ask, data)
        n_samples: Any = "auto" if task.budget is None else max(task.budget - 2, 1)
        values = explainer.shap_values(seat.row[None], nsamples=n_samples, l1_reg=self.l1_reg, silent=True)[0]
        notes, listed = {}, True
        if explainer.M > 1:  # otherwise it asks the ends only
            notes["nsamples"] = int(explainer.nsamples)
            listed = explainer.nsamples == explainer.max_samples and explainer.M <= 30
            if seat.over == "columns":
                z = np.zeros((explainer.nsamplesAdded, len(seat.players)), dtype=bool)
                z[:, explainer.varyingInds] = explainer.maskMatrix[: explainer.nsamplesAdded] > 0.5
                task.note(z)
                task.note(np.array([np.zeros(z.shape[1]), np.ones(z.shape[1])]))
        exact = listed and self.l1_reg in (0, False)
        return Found(values, exact, base=np.atleast_1d(explainer.expected_value), notes=notes)


@dataclass(frozen=True, kw_only=True)
class ShapPermutation(ShapPeer):
    """shap.PermutationExplainer: walks there and back through random orders.

    over, as_shipped  as for the others of shap
    """

    key: ClassVar[str] = "shap.permutation"
    own_budget: ClassVar[int] = 500

    def least(self, n_active: int, _n_rows: int) -> int:
        return 2 * n_active + 1

    def _run(self, task: Task, seat: Seat) -> Found:
        masker = _masker(load_shap().maskers.Independent, task, seat)
        # its constructor seeds numpy's global state, where others go on
        explainer = load_shap().explainers.Permutation(seat.ask, masker, seed=task.seed)
        n_evals = task.budget or self.own_budget
        notes = {"max_evals": n_evals, "walks": n_evals // (2 * len(task.one.active) + 1)}
        return _explained(explainer, seat, n_evals, notes=notes)


@dataclass(frozen=True, kw_only=True)
class ShapExact(ShapPeer):
    """shap.explainers.Exact: all 2^P coalitions.

    over, as_shipped  as for the others of shap
    """

    key: ClassVar[str] = "shap.exact"

    def least(self, n_active: int, _n_rows: int) -> int:
        return int(2**n_active)

    def _run(self, task: Task, seat: Seat) -> Found:
        masker = _masker(load_shap().maskers.Independent, task, seat)
        return _explained(load_shap().explainers.Exact(seat.ask, masker), seat, task.budget, exact=True)


@dataclass(frozen=True, kw_only=True)
class ShapPartition(ShapPeer):
    """shap.explainers.Partition: Owen values down a tree of the players. Another game than Shapley's, unless it is additive.

    clustering  "correlation" or another distance between columns of the background, as shap; on pictures, where columns have
                no meaning, "correlation" is replaced by the distance between the superpixels' centres. Or a linkage matrix
                (P - 1, 4) over all players; groups of columns need one
    over, as_shipped  as for the others of shap
    """

    clustering: Any = "correlation"
    key: ClassVar[str] = "shap.partition"
    own_budget: ClassVar[int] = 500
    everybody: ClassVar[bool] = True  # its tree is over all players

    def least(self, _n_active: int, _n_rows: int) -> int:
        return 4

    def check_game(self, game: Game) -> None:
        super().check_game(game)
        n_players = {len(one.names) for one in game.inputs}
        if isinstance(self.clustering, str):
            if isinstance(game.space, TabularSpace) and game.space.n_players != len(game.space.columns.names):
                raise ValueError(
                    "shap.partition finds no tree over groups of columns; give clustering=, a linkage matrix over players."
                )
            if isinstance(game.space, TabularSpace):
                self._tree_of_columns(game.space)
        elif any(np.shape(self.clustering) != (p - 1, 4) for p in n_players):
            shape = np.shape(self.clustering)
            raise ValueError(f"clustering has shape {shape}; expected (P - 1, 4) for P = {sorted(n_players)} players.")

    def _run(self, task: Task, seat: Seat) -> Found:
        tree, named = self._tree(task)
        masker = _masker(load_shap().maskers.Partition, task, seat, clustering=tree)
        n_evals = task.budget or self.own_budget
        n_evals -= n_evals % 2  # it asks in twos
        notes = {"max_evals": n_evals, "clustering": named}
        return _explained(load_shap().explainers.Partition(seat.ask, masker), seat, n_evals, notes=notes)

    def _tree_of_columns(self, space: TabularSpace) -> Any:
        try:
            return load_shap().utils.hclust(np.array(space.background), metric=self.clustering)
        except ValueError as error:
            raise ValueError(
                f"clustering={self.clustering!r} finds no tree of the columns in a background of {len(space.background)} "
                f"row(s): {error} Give a linkage matrix over the players, or another distance."
            ) from error

    def _tree(self, task: Task) -> tuple[Any, str]:
        if not isinstance(self.clustering, str):
            return np.array(self.clustering, dtype=np.float64), "given"
        if isinstance(task.game.space, TabularSpace):
            return self._tree_of_columns(task.game.space), self.clustering
        from scipy.cluster.hierarchy import linkage

        labels = task.game.pictures[task.number].labels
        where = np.indices(labels.shape).reshape(2, -1)
        size = np.bincount(labels.ravel())
        centres = np.array([np.bincount(labels.ravel(), weights=axis) / size for axis in where]).T
        return linkage(centres, "average"), "distance of centres"


@dataclass(frozen=True, kw_only=True)
class ShapSampling(ShapPeer):
    """shap.SamplingExplainer: single columns in random orders, each sample at one random background row (two model rows).

    min_samples_per_feature  100, shap's own: of the first round; what is left goes where the spread is large
    over, as_shipped  as for the others of shap; over coalitions a sample costs two of them, with all background rows.
                As shipped, an output that no sample moves (an additive one over coalitions) spoils all with NaN: refused
    """

    min_samples_per_feature: int = 100
    key: ClassVar[str] = "shap.sampling"

    def least(self, n_active: int, n_rows: int) -> int:
        return int(1 + np.ceil((4 * n_active + 1) / n_rows))

    def _run(self, task: Task, seat: Seat) -> Found:
        shap = load_shap()
        explainer = (shap.SamplingExplainer if self.as_shipped else _floored(shap))(seat.ask, seat.background)
        n_samples: Any = "auto" if task.budget is None else self._samples(task.budget, seat)
        named = {"nsamples": n_samples, "min_samples_per_feature": self.min_samples_per_feature}
        values = explainer.shap_values(seat.row[None], silent=True, **named)[0]
        notes = {"nsamples": int(explainer.nsamples)}
        return Found(values, base=np.atleast_1d(explainer.expected_value), notes=notes)

    def _samples(self, budget: int, seat: Seat) -> int:
        """How many samples of two rows the budget holds, beside the background and the input themselves."""
        found = ((budget - 1) * len(seat.background) - 1) // 2
        found -= found % 2
        most = len(seat.players) * self.min_samples_per_feature
        # its second round may overshoot by two samples a player
        return found if found <= most else max(most, found - 2 * len(seat.players))


def _floored(shap: Foreign) -> Foreign:
    """shap's class for samples, which divides by an output's spread, without the zero that makes NaN of it."""

    class Floored(shap.SamplingExplainer):  # type: ignore[misc]
        def sampling_estimate(self, *given: object, **named: object) -> Any:
            mean, spread = super().sampling_estimate(*given, **named)
            return mean, spread + LEAST_SPREAD

    return Floored


def _masker(kind: Foreign, task: Task, seat: Seat, **options: Any) -> Foreign:
    """shap's masker of a kind over the background, uncut, which tells the task what it is asked over columns."""

    class Noting(kind):  # type: ignore[misc]
        def __call__(self, mask: ArrayLike, x: Floats) -> Any:
            task.note(_whole_masks(np.asarray(mask), len(x)))
            return super().__call__(mask, x)

    seen = kind if seat.over == "coalitions" else Noting  # over coalitions the task sees those itself
    return seen(seat.background, max_samples=len(seat.background), **options)


def _explained(explainer: Foreign, seat: Seat, n_evals: int | None, **known: Any) -> Found:
    """What one of shap's newer explainers says of the row."""
    found = explainer(seat.row[None], max_evals=n_evals, silent=True)
    return Found(found.values[0], base=found.base_values[0], **known)


def _whole_masks(mask: NDArray[Any], n_columns: int) -> Presence:
    """(n, D) bool from one mask, or from shap's list of flips: a negative entry is flipped together with the next."""
    if mask.dtype == bool:
        return mask.reshape(1, n_columns)
    now = np.zeros(n_columns, dtype=bool)
    found = []
    for flip in mask.tolist():
        if flip < 0:
            now[-flip - 1] ^= True
            continue
        if flip != NOTHING_FLIPS:
            now[flip] ^= True
        found.append(now.copy())
    return np.array(found)
