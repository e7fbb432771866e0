"""Shapley values by the others: shap, shapiq and LightSHAP, each asked in its own interpreter.

    python experiments/convergence_peers.py      what this interpreter can run, then orders from stdin, a line each

It needs numpy and the packages that it asks, nothing of ours. An order is a line of JSON: a method, a number of players, of
coalitions, a seed, and the path of a table of all 2^P values, if there is one. Without a table coalitions are written to
stdout and their values read from stdin. What a method asks is counted here: distinct coalitions, nothing and everything
among them. A method that spends its budget on coalitions that it had already is given more until it has asked as many
distinct ones as the others (ATTEMPTS times at most), and never more than those.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TextIO

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
ATTEMPTS = 6  # how often a method is asked with another budget to come to the number of distinct coalitions
SHAPIQ = "1.8"  # OddSHAP, LeverageSHAP, PolySHAP and ProxySHAP as they are asked here; it needs Python 3.12
FREE_OF_ORDER = 3  # up to which order PolySHAP takes products of players


class Counted:
    """A game that counts the distinct coalitions it was asked for, and answers each from memory the second time.

    value     (M, P) bool -> (M,);  n_players: P
    asked     how many distinct ones;  waited: processor seconds that value itself took
    """

    def __init__(self, value: Callable[[Array], Array], n_players: int) -> None:
        self.value, self.n_players = value, n_players
        self.known: dict[bytes, float] = {}
        self.waited = 0.0

    @property
    def asked(self) -> int:
        return len(self.known)

    def __call__(self, z: Any) -> Array:
        z = np.atleast_2d(np.asarray(z)) > 0.5
        keys = [row.tobytes() for row in np.packbits(z, axis=1)]
        new = {key: at for at, key in enumerate(keys) if key not in self.known}
        if new:
            began = time.thread_time()
            answers = self.value(z[list(new.values())])
            self.waited += time.thread_time() - began
            self.known.update(zip(new, map(float, answers), strict=True))
        return np.array([self.known[key] for key in keys])


def listed(values: Array, n_players: int) -> Callable[[Array], Array]:
    """A game by its values at all coalitions: player j is present in number k where bit j of k is set."""
    places = 1 << np.arange(n_players)
    return lambda z: values[z.astype(np.int64) @ places]


# ------------------------------------------------------------------------------------------------ the methods


def shap_kernel(game: Counted, budget: int, seed: int, **options: Any) -> Array:
    """nsamples are coalitions between nothing and everything. It has no seed but numpy's global one."""
    import shap  # type: ignore[import-untyped]

    np.random.seed(seed)  # noqa: NPY002
    explainer = shap.KernelExplainer(game, np.zeros((1, game.n_players)))
    found = explainer.shap_values(np.ones((1, game.n_players)), nsamples=budget - 2, silent=True, **options)
    return np.asarray(found).reshape(-1)


def shap_permutation(game: Counted, budget: int, seed: int) -> Array:
    import shap

    masker = shap.maskers.Independent(np.zeros((1, game.n_players)))
    explainer = shap.PermutationExplainer(game, masker, seed=seed)
    return np.asarray(explainer(np.ones((1, game.n_players)), max_evals=budget, silent=True).values).reshape(-1)


def shapiq(name: str, game: Counted, budget: int, seed: int, **options: Any) -> Array:
    from shapiq import approximator

    made = getattr(approximator, name)(n=game.n_players, random_state=seed, **options)
    return np.asarray(made.approximate(budget=budget, game=game).get_n_order_values(1))


def shapiq_poly(game: Counted, budget: int, seed: int) -> Array:
    """Pairs of complements, and as many products of up to three players as half of the coalitions can tell apart."""
    terms = max(game.n_players + 1, budget // 2)
    return shapiq("PolySHAP", game, budget, seed, pairing_trick=True, max_order=FREE_OF_ORDER, max_terms=terms)


def shapiq_eig(game: Counted, budget: int, seed: int) -> Array:
    """It fits its process anew for every coalition; the schedule that its authors give for large budgets does so less."""
    candidates = max(1024, 4 * budget)
    options = {"refit": "decaying", "max_candidates": candidates, "show_progress": False}
    return shapiq("ShaplEIG", game, budget, seed, **options)


def lightshap_kernel(game: Counted, budget: int, seed: int) -> Array:
    """So many rounds as the budget holds, in the way it takes by itself, or the next that fits.

    By itself it lists sizes 1, 2, P - 1, P - 2 ("h2") up to 16 columns and 1, P - 1 ("h1") beyond, and samples the others
    in rounds of 2 (P - 1 - 2 h) coalitions. Below both there is "sampling" alone.
    """
    n = game.n_players
    for degree in (2, 1, 0) if n <= 16 else (1, 0):
        first, a_round = 2 * sum((n, n * (n - 1) // 2)[:degree]), 2 * (n - 1 - 2 * degree)
        if a_round > 0 and (rounds := (budget - 2 - first) // a_round) > 0:
            return _lightshap(game, seed, "kernel", ("sampling", "h1", "h2")[degree], rounds)
    raise ValueError(f"{budget} coalitions do not hold one round on {n} players")


def lightshap_permutation(game: Counted, budget: int, seed: int) -> Array:
    """It asks for sizes 0, 1, P - 1 and P first, then for rounds of an order and its reverse."""
    first, a_round = 2 + 2 * game.n_players, 2 * (game.n_players - 3)
    return _lightshap(game, seed, "permutation", "sampling", max(1, (budget - first) // a_round))


def _lightshap(game: Counted, seed: int, method: str, how: str, rounds: int) -> Array:
    from lightshap import explain_any

    found = explain_any(
        game, np.ones((1, game.n_players)), bg_X=np.zeros((1, game.n_players)), method=method, how=how,
        max_iter=rounds, tol=1e-12, random_state=seed, verbose=False,
    )  # fmt: skip
    return np.asarray(found.shap_values).reshape(-1)


def _of_shapiq(name: str, **options: Any) -> Callable[[Counted, int, int], Array]:
    return partial(shapiq, name, **options)


FIRST_ORDER = {"index": "SV", "max_order": 1}
METHODS: dict[str, tuple[tuple[str, ...], Callable[[Counted, int, int], Array]]] = {  # what it needs, how it is asked
    "shap Kernel, as shipped": (("shap",), shap_kernel),
    "shap Kernel": (("shap",), partial(shap_kernel, l1_reg=0)),
    "shap Permutation": (("shap",), shap_permutation),
    "shapiq KernelSHAP, as shipped": (("shapiq",), _of_shapiq("KernelSHAP")),
    "shapiq KernelSHAP, paired": (("shapiq",), _of_shapiq("KernelSHAP", pairing_trick=True)),
    "shapiq LeverageSHAP": (("shapiq",), _of_shapiq("LeverageSHAP")),
    "shapiq PolySHAP, as shipped": (("shapiq",), _of_shapiq("PolySHAP")),
    "shapiq PolySHAP, paired": (("shapiq",), shapiq_poly),
    "shapiq OddSHAP": (("shapiq", "lightgbm"), _of_shapiq("OddSHAP")),
    "shapiq ProxySHAP": (("shapiq", "xgboost"), _of_shapiq("ProxySHAP", **FIRST_ORDER)),
    "shapiq ProxySHAP, adjusted": (("shapiq", "xgboost"), _of_shapiq("ProxySHAP", adjustment=True, **FIRST_ORDER)),
    "shapiq RegressionMSR": (("shapiq", "xgboost"), _of_shapiq("RegressionMSR", index="SV")),
    "shapiq SVARM": (("shapiq",), _of_shapiq("SVARM")),
    "shapiq permutations": (("shapiq",), _of_shapiq("PermutationSamplingSV")),
    "shapiq ShaplEIG": (("shapiq", "gpytorch", "botorch"), shapiq_eig),
    "LightSHAP Kernel": (("lightshap",), lightshap_kernel),
    "LightSHAP Permutation": (("lightshap",), lightshap_permutation),
}


def offered() -> dict[str, dict[str, str]]:
    """By method: the version of its package, or, under "missing", what there is not."""
    return {name: _have(needs) for name, (needs, _) in METHODS.items()}


def _have(needs: tuple[str, ...]) -> dict[str, str]:
    try:
        found = [version(_distribution(name)) for name in needs]
    except PackageNotFoundError as error:
        return {"missing": f"{error.name} is not installed"}
    if needs[0] == "shapiq" and tuple(map(int, found[0].split(".")[:2])) < tuple(map(int, SHAPIQ.split("."))):
        return {"missing": f"shapiq is {found[0]}, and {SHAPIQ} or newer is asked"}
    return {"version": found[0]}


def _distribution(name: str) -> str:
    """xgboost is shipped under two names."""
    if name != "xgboost":
        return name
    try:
        version("xgboost-cpu")
    except PackageNotFoundError:
        return name
    return "xgboost-cpu"


# ------------------------------------------------------------------------------------------------ orders


def spent(method: str, value: Callable[[Array], Array], n_players: int, budget: int, seed: int) -> dict[str, Any]:
    """Values of a method that asked up to `budget` distinct coalitions, how many it asked, and its processor seconds."""
    best: dict[str, Any] = {"asked": -1}
    nominal, tried, known = budget, set[int](), Counted(value, n_players)
    for _ in range(ATTEMPTS):
        tried.add(nominal)
        game = Counted(known, n_players)
        began = time.thread_time()
        values = METHODS[method][1](game, nominal, seed)
        seconds = time.thread_time() - began - game.waited
        if best["asked"] < game.asked <= budget:
            best = {"asked": game.asked, "values": values.tolist(), "seconds": round(seconds, 4)}
        nominal += budget - game.asked
        if nominal in tried or nominal < 2:
            break
    if best["asked"] < 0:
        raise ValueError(f"it asked more than {budget} coalitions, whatever it was told")
    return best


def serve(orders: TextIO, answers: TextIO) -> None:
    """Write what is offered, then answer a line of orders with a line of values, until there are no more."""

    def write(what: Any) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    def over_the_pipe(z: Array) -> Array:
        write({"asks": np.packbits(z, axis=1).tobytes().hex(), "coalitions": len(z)})
        return np.array(json.loads(orders.readline())["values"])

    write({"offered": offered()})
    while line := orders.readline():
        order = json.loads(line)
        n_players, table = order["players"], order["table"]
        value = listed(np.load(table, allow_pickle=False), n_players) if table else over_the_pipe
        try:
            write(spent(order["method"], value, n_players, order["budget"], order["seed"]))
        except Exception as error:  # a peer may fail in any way of its own: it is told, and the next order is taken
            write({"failed": f"{type(error).__name__}: {error}"})


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a package prints does not come between the answers
    warnings.simplefilter("ignore")  # of the packages, at every turn
    with contextlib.suppress(BrokenPipeError):  # who asked is gone
        serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
