"""Owen values: Shapley values of players that come in unions, of unions that come in unions, and so on."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from perturbxai.core import checks
from perturbxai.core.evaluations import once
from perturbxai.core.methods import Asking, Questions
from perturbxai.core.options import options
from perturbxai.core.questions import Coalitions, Players, TablePlayers
from perturbxai.estimation.coalitions import clustering, hierarchy, owen, owen_posterior, semivalues
from perturbxai.estimation.coalitions.hierarchy import Tree
from perturbxai.estimation.coalitions.slopes import OF_SLOPES


@options
class PartitionShap(Asking):
    """Owen values: Shapley values that respect a hierarchy of the players, in units of the model's output.

    What it estimates. What a player adds to the model's output, on average over those orders that respect the hierarchy:
    the parts of every union stand in a random order of their own, and nobody else stands between them (Owen, "Values of
    games with a priori unions", 1977, for one level; Winter, "A value for cooperative games with levels structure of
    cooperation", 1989, for any). So a union meets only wholes of other unions, and its total is the Shapley value of the
    game between it and its siblings. Values sum to v(N) - v(nothing). With one union of all they are Shapley values; else
    they are others, unless the model has main effects and pairs only.

    When to take it. Where players belong together, as correlated columns or neighbouring superpixels, and shall not be
    asked apart; and for exact values at a price: only coalitions that such an order can begin with count, 2/3 P^2 on a
    balanced binary tree of P players, 2^P on a flat one or a chain. `meta["coalitions_to_list"]` has their number, and a
    budget that holds them makes the values exact. On a binary tree that is what shap's PartitionExplainer gives once it has
    run to its end. Before, shap goes down where differences are large and leaves the rest on unions: on games of a few
    large terms that errs less at small budgets, on others several times more, and tells no error.

    How, with a smaller budget. Every union is a small problem of its own: how its parts deviate from an even share of its
    total. Unions at the top, which have few coalitions, are listed. Each other one gets the same number of pairs, drawn
    without replacement: what else is there, by random orders of the unions around it, and the reverse of that; of more than
    two parts an order of these is walked too. These values are unbiased, and exact for games of main effects and pairs. From
    three pairs on those of a Gaussian process over coalitions stand in, which is fitted to all answers, where it is said to
    be nearer (`surrogate`).

    What comes back. `values` and `stderr` are (N, P, K). The errors of a union and of those around it add up, with t
    intervals on (pairs - 1) degrees of freedom, a little too few; one pair has an infinite error. Pairs may agree by luck,
    so unions lend each other their spread and what none has shown is added, as in `permutation_shap`. Where the process
    gives the values, errors lie between what it says and what the pairs say. The simultaneous factor takes the players as
    independent. `meta["hierarchy"]` is the hierarchy as a nested list of names; `meta["surrogate"]` has, by output, what was
    taken ("posterior" or "none") and the ratio of the estimated variances.

    partition  None: from the data. Columns of a table by average linkage of 1 - association (rank correlation; correlation
               ratio and Cramer's V where there are levels); superpixels of a photo by merging the two neighbours most alike
               in colour. Or a nested list of names, [["age", "education"], ["income", ["a", "b"]]], or scipy's linkage
               matrix (P - 1, 4) over all players, as shap takes it
    surrogate  "process": the process too, for 2P to 4,000 coalitions asked and 4,000 to list, 128 players and 20 outputs;
               "auto": as far as it takes little time beside the model, see `KernelShap`; "none": the drawn pairs alone
    budget (of `explain`)  in coalitions, at least 4P, or 2^P if that is fewer
    name       the key of the result, "partition_shap" if empty

    Raises TypeError for a partition of another kind, and ValueError for another surrogate and, before the model is asked,
    for names that are unknown, missing or come twice, linkages that are not of these players, and too small a budget.

    >>> import numpy as np, perturbxai as px
    >>> model = px.Predictor(lambda X: X[:, 0] * X[:, 1] * X[:, 2])
    >>> halves = px.PartitionShap(partition=["x0", ["x1", "x2"]])  # x0 against the other two, who share what they get
    >>> found = px.explain(halves, model, px.TabularSpace(np.zeros((1, 3))), np.ones((1, 3)))["partition_shap"]
    >>> found.values[0, :, 0].round(6), found.meta["coalitions"]
    (array([0.5 , 0.25, 0.25]), 8)
    """

    partition: Sequence[Any] | NDArray[Any] | None = None
    surrogate: str = "auto"
    name: str = ""
    asks: ClassVar[str] = "coalitions"

    def __post_init__(self) -> None:
        checks.one_of("surrogate", self.surrogate, OF_SLOPES)
        object.__setattr__(self, "partition", _frozen(self.partition))

    def check(self, players: Players) -> None:
        """Refuse a partition that is not one of these players."""
        if self.partition is not None:
            self._given(players)

    def least(self, players: Players) -> int:
        return min(4 * players.n_players, int(2**players.n_players))

    def ask(self, players: Players, budget: int, rng: np.random.Generator) -> Questions:
        whole = self._found(players) if self.partition is None else self._given(players)
        notes: dict[str, Any] = {"hierarchy": hierarchy.name(whole, players.everyone)}
        if players.n_players < 2:
            found = yield from semivalues.ask_all(players.n_players)
            found.notes.update(notes)
            return found
        number = {players.everyone.index(one): p for p, one in enumerate(players.names)}
        unions = hierarchy.unions(cast(Tree, hierarchy.keep(whole, number)))
        n_pairs = owen.affordable(unions, budget)
        asked = [owen.question(unions, at, n_pairs, players.n_players, rng) for at in range(len(unions))]
        z = semivalues.with_ends(np.concatenate([one.z for one in asked]))
        (values,) = yield [Coalitions(z, last=True)]
        ends = np.cumsum([2, *(len(one.z) for one in asked)]).tolist()
        parts = [one.deviations(values[i:j]) for one, (i, j) in zip(asked, pairwise(ends), strict=True)]
        found = owen.share_out(unions, parts, values, n_pairs)
        n_distinct = len(np.unique(np.packbits(z, axis=1), axis=0))
        if n_pairs and self.surrogate != "none":
            afford = players.affordable(len(z)) if self.surrogate == "auto" else None
            found = owen_posterior.nearer(unions, parts, z, values, found, afford)
        counts = {"pairs": n_pairs, "coalitions": n_distinct, "listed": n_pairs == 0}
        found.notes.update(notes | counts | {"coalitions_to_list": owen.cost_of_all(unions)})
        return found

    def _given(self, players: Players) -> Tree:
        given = cast(tuple[Any, ...], self.partition)  # as it is kept
        if _is_linkage(given):
            return hierarchy.of_linkage(given, players.everyone)
        return hierarchy.of_names(given, players.everyone)

    def _found(self, players: Players) -> Tree:
        """The hierarchy from the data; of a table once a call."""
        if players.regions is not None:
            return clustering.merge_regions(players.regions())
        assert isinstance(players, TablePlayers)
        told = players.data, players.data_weights, players.numeric, players.owner
        return once(players.common, "hierarchy of the columns", lambda: clustering.cluster_columns(*told))


def _frozen(partition: object) -> Any:
    """The partition as tuples, which nobody can change: of names and whole numbers, or of a linkage's rows."""
    if partition is None:
        return None
    if isinstance(partition, np.ndarray) and partition.dtype.kind in "fiu" and partition.shape[1:] == (4,):
        return tuple(map(tuple, partition.astype(np.float64).tolist()))
    if not isinstance(partition, (list, tuple)):
        raise TypeError(
            f"partition is {type(partition).__name__}; expected None, a nested list of names, or a linkage matrix of "
            "shape (P - 1, 4)."
        )
    return tuple(_frozen_part(part) for part in partition)


def _frozen_part(part: object) -> Any:
    if isinstance(part, (list, tuple)):
        return tuple(_frozen_part(inner) for inner in part)
    if isinstance(part, (str, int, float, np.generic)):
        return part.item() if isinstance(part, np.generic) else part
    raise TypeError(f"partition holds {part!r:.60}; expected names, and lists of them.")


def _is_linkage(partition: tuple[Any, ...]) -> bool:
    """Whether all are rows of four numbers, the third of which is a height."""
    return bool(partition) and all(isinstance(r, tuple) and len(r) == 4 and isinstance(r[2], float) for r in partition)
