"""Games whose Shapley values are known: from a formula, from dynamic programming, or from all coalitions.

A game is a callable, z (M, P) of zeros and ones -> (M, K) values, with `.shapley` (P, K). Where LIME's limit has a cheap
formula too, `.lime(kernel_width)` gives its slopes (P, K).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import comb
from typing import Any

import numpy as np
import oracles


@dataclass(frozen=True, eq=False)
class KnownGame:
    """name, number of players, value function (M, P) -> (M, K), exact Shapley values (P, K); lime: width -> (P, K)."""

    name: str
    n_players: int
    value: Callable[[Any], Any]
    shapley: Any
    lime: Callable[[float], Any] | None = None
    extras: dict[str, Any] = field(default_factory=dict)

    def __call__(self, z: Any) -> Any:
        return self.value(np.asarray(z, dtype=np.float64))

    @property
    def ends(self) -> tuple[Any, Any]:
        """v(nothing) and v(N), each (K,)."""
        both = self(np.array([[0.0] * self.n_players, [1.0] * self.n_players]))
        return both[0], both[1]

    def __repr__(self) -> str:
        return self.name


def sigmoid_game(n_players: int, offset: float, temperature: float) -> KnownGame:
    """v(z) = sigmoid((sum w_i z_i + b) / T) with w_i = (3 i mod 11) - 5, whole numbers so that subsets can be counted."""
    w = (3 * np.arange(n_players)) % 11 - 5

    def curve(total: Any) -> Any:
        return 1.0 / (1.0 + np.exp(-(np.asarray(total, dtype=np.float64) + offset) / temperature))

    low = int(w[w < 0].sum())
    sums = np.arange(low, int(w[w > 0].sum()) + 1)
    everyone = _count_subsets(w, low, len(sums))
    without = {int(own): _count_subsets(np.delete(w, int(np.argmax(w == own))), low, len(sums)) for own in np.unique(w)}

    def player(own: int) -> float:
        # the mean over sizes of the mean over subsets of that size of what the player adds
        rise = curve(sums + own) - curve(sums)
        counts = without[own][:n_players]
        return float(np.mean(counts @ rise / np.array([comb(n_players - 1, s) for s in range(n_players)])))

    def lime(width: float) -> Any:
        kernel = oracles.lime_kernel(n_players, width)
        total = float(kernel @ (everyone @ curve(sums))) / 2.0**n_players
        held = {
            own: float(kernel[1:] @ (counts[:n_players] @ curve(sums + own))) / 2.0**n_players
            for own, counts in without.items()
        }
        return oracles.lime_slopes_from_moments(n_players, width, total, np.array([held[int(own)] for own in w]))[:, None]

    by_weight = {own: player(own) for own in without}
    shapley = np.array([by_weight[int(own)] for own in w])[:, None]
    return KnownGame(f"sigmoid{n_players}", n_players, lambda z: curve(z @ w)[:, None], shapley, lime)


def _count_subsets(weights: Any, low: int, n_sums: int) -> Any:
    """(P + 1, sums): how many subsets have each size and each sum; float64 holds these counts to 53 bits."""
    counts = np.zeros((len(weights) + 1, n_sums))
    counts[0, -low] = 1.0
    for own in map(int, weights):
        moved = np.roll(counts, own, axis=1)  # nothing wraps: the sums range over all that can occur
        counts[1:] += moved[:-1]
    return counts


SIGMOID_20 = sigmoid_game(20, 2.0, 4.0)
SIGMOID_50 = sigmoid_game(50, 3.0, 7.0)


def additive(n_players: int, seed: int, n_outputs: int = 1) -> KnownGame:
    rng = np.random.default_rng(seed)
    slopes, base = rng.standard_normal((n_players, n_outputs)), rng.standard_normal(n_outputs)
    return KnownGame(f"additive{n_players}", n_players, lambda z: base + z @ slopes, slopes, lambda _width: slopes)


def two_additive(n_players: int, seed: int, n_outputs: int = 1) -> KnownGame:
    """Main effects and all pairs: phi_i = a_i + half of its pairs."""
    rng = np.random.default_rng(seed)
    main, base = rng.standard_normal((n_players, n_outputs)), rng.standard_normal(n_outputs)
    pairs = np.triu(rng.standard_normal((n_outputs, n_players, n_players)), 1)

    def value(z: Any) -> Any:
        return base + z @ main + np.einsum("mi,kij,mj->mk", z, pairs, z, optimize=True)

    shapley = main + 0.5 * (pairs.sum(axis=2) + pairs.sum(axis=1)).T
    return KnownGame(f"two-additive{n_players}", n_players, value, shapley)


def polynomial(n_players: int, orders: tuple[int, ...], n_terms: int, seed: int) -> KnownGame:
    """sum_T c_T prod_{i in T} z_i over random sets T: phi_i = sum over T that hold i of c_T / |T|."""
    rng = np.random.default_rng(seed)
    sets = np.zeros((n_terms, n_players), dtype=np.float64)
    for t in range(n_terms):
        sets[t, rng.choice(n_players, orders[t % len(orders)], replace=False)] = 1.0
    c = rng.standard_normal(n_terms)
    size = sets.sum(axis=1)

    def value(z: Any) -> Any:
        return ((z @ sets.T == size) @ c)[:, None]

    def lime(width: float) -> Any:
        slopes = np.zeros(n_players)
        for members, coefficient in zip(sets.astype(bool), c, strict=True):
            inside, outside = oracles.lime_unanimity(n_players, int(members.sum()), width)
            slopes += coefficient * np.where(members, inside, outside)
        return slopes[:, None]

    name = f"polynomial{n_players} orders {min(orders)}-{max(orders)}"
    return KnownGame(name, n_players, value, (c / size @ sets)[:, None], lime)


def unanimity(n_players: int, n_members: int) -> KnownGame:
    """1 if the first players are all there: they share it evenly."""
    members = np.arange(n_players) < n_members

    def lime(width: float) -> Any:
        return np.where(members, *oracles.lime_unanimity(n_players, n_members, width))[:, None]

    return KnownGame(
        f"unanimity {n_members} of {n_players}",
        n_players,
        lambda z: z[:, members].all(axis=1).astype(np.float64)[:, None],
        (members / n_members)[:, None],
        lime,
    )


def random_table(n_players: int, seed: int, n_outputs: int = 2) -> KnownGame:
    """Independent normal values for all 2^P coalitions: interactions of every order."""
    values = np.random.default_rng(seed).standard_normal((2**n_players, n_outputs))
    return _of_table(f"random{n_players}", n_players, values)


def tabulated(name: str, n_players: int, values: Any) -> KnownGame:
    """A game of one output by its values at all 2^P coalitions, in the order of `oracles.all_coalitions`."""
    return _of_table(name, n_players, np.asarray(values, dtype=np.float64)[:, None])


def _of_table(name: str, n_players: int, values: Any, **extras: Any) -> KnownGame:
    power = 2 ** np.arange(n_players)

    def value(z: Any) -> Any:
        return values[(z @ power).astype(np.int64)]

    def lime(width: float) -> Any:
        return oracles.lime_closed_form(value, n_players, width)

    return KnownGame(name, n_players, value, oracles.shapley(value, n_players), lime, extras)


def small_network(seed: int, channels: int = 6) -> Any:
    """A convolutional network with random weights, two outputs, float64 so that batches agree to rounding."""
    import torch

    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, channels, 3, stride=2, padding=1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(channels, 2 * channels, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * channels, 16),
        torch.nn.Tanh(),
        torch.nn.Linear(16, 2),
    )
    with torch.no_grad():
        for weight in net.parameters():
            weight.mul_(2.5)  # default initialisation is nearly linear; the game should interact
    torch.random.set_rng_state(state)
    return net.double().eval()


def network_game(seed: int = 0, n_players: int = 10) -> KnownGame:
    """A small random CNN on a random 20 x 20 picture, 2 x P/2 rectangles as players, grey as the fill; all listed.

    extras: net, picture (20, 20, 3) float32, labels (20, 20), fill
    """
    import torch

    rng = np.random.default_rng(seed)
    coarse = rng.random((5, 5, 3))
    picture = (np.kron(coarse, np.ones((4, 4, 1))) * 0.8 + 0.2 * rng.random((20, 20, 3))).astype(np.float32)
    rows, columns = np.arange(20) * 2 // 20, np.arange(20) * (n_players // 2) // 20
    labels = rows[:, None] * (n_players // 2) + columns[None]
    net, fill = small_network(seed), np.float32(0.5)
    z = oracles.all_coalitions(n_players)
    batch = np.where(z[:, labels][..., None], picture[None], fill)
    with torch.inference_mode():
        values = net(torch.as_tensor(batch.transpose(0, 3, 1, 2)).double()).numpy()
    return _of_table(f"network{seed}", n_players, values, net=net, picture=picture, labels=labels, fill=0.5)


# ------------------------------------------------------------------------------------------------ how tests ask


def door(game: KnownGame, **options: Any) -> tuple[Any, Any, Any]:
    """(predictor, space, x): any game as a table whose absent players are 0 and whose explained row is 1."""
    import perturbxai as px

    zeros = np.zeros((1, game.n_players))
    return px.Predictor(game, **options), px.TabularSpace(zeros), np.ones((1, game.n_players))


def evaluate(game: KnownGame, design: Any) -> Any:
    """The table of a game at a design's coalitions, as explain() would make it, without the way through a model."""
    from perturbxai.core.evaluations import Evaluations

    empty, full = game.ends
    return Evaluations(design, game(design.z), empty, full)


def drawn(methods: Any, game: KnownGame, budget: int, seed: int) -> list[Any]:
    """The methods' estimates from one table that is drawn as explain() draws it."""
    from perturbxai.sampling.streams import Streams

    laws = [method.law(game.n_players) for method in methods]
    design = Streams(seed).design(tuple(law.name for law in laws), laws, game.n_players, budget)
    table = evaluate(game, design)
    return [method.estimate(table) for method in methods]


def answered(method: Any, game: KnownGame, budget: int, seed: int, players: Any = None) -> Any:
    """The estimate of a method with questions of its own, each answered by the game."""
    from perturbxai.core.questions import Players

    names = tuple(map(str, range(game.n_players)))
    players = players or Players("image", names, {}, lambda: np.random.default_rng(seed))
    asking = method.ask(players, budget, np.random.default_rng(seed))
    questions = next(asking)
    while True:
        try:
            questions = asking.send([game(question.z) for question in questions])
        except StopIteration as end:
            return end.value


def squared_error(found: Any, truth: Any) -> float:
    """||found - truth||^2 / ||truth||^2."""
    return float(((np.asarray(found) - truth) ** 2).sum() / (np.asarray(truth) ** 2).sum())
