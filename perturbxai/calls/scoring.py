"""What scores need: the coalitions of one input, in one table, where each score finds its own, and what the model says."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np

from perturbxai.core.questions import Answer, Coalitions, Unanswered
from perturbxai.core.types import Floats, Presence, Weights
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import Input, TabularSpace, digest
from perturbxai.metrics import faithfulness
from perturbxai.metrics.metric import CURVES, Metric
from perturbxai.sampling.asked import Asked
from perturbxai.sampling.coalitions import list_coalitions
from perturbxai.sampling.untouched import N_TESTED, Untouched

Version: TypeAlias = tuple[str, int]
"""A result's name, and how many seeds after its own it was drawn: 0 for itself."""
FEWEST = 20  # untouched coalitions that tell something; with fewer the whole table is the test
PER_SIZE = 8  # coalitions of one size from which a correlation within it is told


@dataclass(frozen=True, eq=False)
class TestSet:
    """Coalitions (T, P) that maps are scored on, their weights (None for equal ones), and what the tables call them."""

    __test__ = False  # nothing for pytest to collect

    z: Presence
    weight: Weights | None
    name: str

    @classmethod
    def of(cls, one: Input, untouched: Untouched, asked: Sequence[Asked]) -> Self:
        """Coalitions of an input that nobody asked, or the whole table where these are few.

        The table is asked whole only then, and so has hardly more coalitions than what asked all the others.
        """
        n_players, n_active = len(one.names), len(one.active)
        z = untouched.draw(n_players, one.active, one.digest, asked)
        if len(z) >= FEWEST:
            law = "sizes uniform" if len(z) == N_TESTED else "all that are left"
            return cls(z, None, f"{len(z)} untouched coalitions, {law}")
        inner = list_coalitions(n_active)
        z = np.ones((len(inner), n_players), dtype=bool)
        z[:, one.active] = inner
        return cls(z, faithfulness.size_weights(inner), "exact table")


@dataclass(frozen=True, eq=False)
class Needs:
    """The coalitions z (T, P) that one input's scores need.

    test: the first rows;  curves[version, k]: by curve, the rows of each order
    """

    z: Presence
    test: TestSet
    curves: dict[tuple[Version, int], dict[str, list[slice]]]

    @classmethod
    def of(cls, maps: Mapping[Version, Floats], metrics: Sequence[Metric], test: TestSet, seed: Sequence[int]) -> Self:
        """maps: version -> values (P, K);  seed breaks ties, the same way for every map."""
        parts = [test.z]
        at = len(test.z)
        curves: dict[tuple[Version, int], dict[str, list[slice]]] = {}
        asked = [(which, c) for which, c in enumerate(CURVES) if any(c in metric.takes for metric in metrics)]
        for version, values in maps.items() if asked else ():
            for k in range(values.shape[1]):
                rng = np.random.default_rng(seed)
                found = curves.setdefault((version, k), {curve: [] for _, curve in asked})
                for order in faithfulness.rankings(values[:, k], rng):
                    both = faithfulness.curve_coalitions(order)
                    for which, curve in asked:
                        parts.append(both[which])
                        found[curve].append(slice(at, at + len(order) + 1))
                        at += len(order) + 1
        return cls(np.concatenate(parts), test, curves)

    def measure(
        self, version: Version, k: int, values: Floats, answers: Floats
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """What metrics take of one map and output, and its curves: deletion and insertion by step, faithfulness by size."""
        z, truth = self.test.z, answers[: len(self.test.z)]
        found: dict[str, Any] = {"values": values, "z": z, "answers": truth, "weight": self.test.weight}
        steps: list[dict[str, Any]] = []
        for curve, orders in self.curves.get((version, k), {}).items():
            mean = found[curve] = np.mean([answers[rows] for rows in orders], axis=0)
            share = np.linspace(0.0, 1.0, len(mean))
            steps += [{"curve": curve, "share": s, "value": v} for s, v in zip(share, mean, strict=True)]
        sizes = z.sum(axis=1)
        for size in np.flatnonzero(np.bincount(sizes) >= PER_SIZE):
            own = sizes == size
            value = faithfulness.faithfulness(values, z[own], truth[own])
            steps.append({"curve": "faithfulness", "share": size / z.shape[1], "value": value})
        return found, steps


@dataclass(frozen=True, eq=False)
class Scored:
    """Some inputs under one fill, in a game of their own, and what the scores of each need.

    whole  the game of all inputs, in which a table's background is asked once
    """

    game: Game
    needs: Sequence[Needs]
    whole: Game

    def ask(self) -> Floats:
        """(T, K): what the model says of the coalitions of all of them, asked together."""
        if isinstance(self.game.space, TabularSpace) and len(self.game.inputs) < len(self.whole.inputs):
            self.game.know_background(self.whole.base_values())
        return np.concatenate([answer.values for answer in self._ask(range(len(self.needs)))])

    @property
    def name(self) -> str:
        """By which the same questions are known again: a digest of all that is asked."""
        return "".join(f"{word:08x}" for word in digest(*(need.z for need in self.needs))[:4])

    def shared_out(self, answers: Floats) -> list[Floats]:
        """The same by input."""
        return np.split(answers, np.cumsum([len(need.z) for need in self.needs])[:-1])

    def known(self) -> Iterator[tuple[int, Floats]]:
        """After a failure: the places of the inputs whose answers came before it, and these."""
        self.game.offline()
        for place in range(len(self.needs)):
            with suppress(Unanswered):
                yield place, self._ask([place])[0].values

    def _ask(self, places: Sequence[int]) -> list[Answer]:
        actives = [one.active for one in self.game.inputs]
        return self.game.ask([(place, Coalitions(self.needs[place].z[:, actives[place]])) for place in places])
