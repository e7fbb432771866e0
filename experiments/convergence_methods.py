"""How each method is asked for a number of model rows, and how many it asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from convergence_games import Point

import perturbxai as px
from perturbxai.core.types import Floats


@dataclass(frozen=True)
class Answer:
    """values (P,) of the last output;  rows: those the model saw for this explained row;  once: for all explained rows.

    covered    share of the truth within 95 % intervals, where the method has any
    odd_share  of the game's variance, where the method tells: near 1, a pair of complements tells little more than one
    """

    values: Floats
    rows: int
    once: int = 0
    covered: float | None = None
    odd_share: float | None = None


@dataclass(frozen=True)
class Method:
    """A name, how it is run (point, rows, seed), and from how many coalitions on: per_player * P + beside.

    single_rows  it asks coalitions on single background rows, where there are several
    """

    name: str
    run: Callable[[Point, int, int], Answer]
    per_player: int = 2
    beside: int = 2
    single_rows: bool = False

    def works(self, point: Point, rows: int) -> bool:
        if self.single_rows:
            return point.on_single_rows
        return rows // len(point.background(0).background) >= self.per_player * len(point.x) + self.beside


def ours(method: Any, single_rows: bool = False) -> Callable[[Point, int, int], Answer]:
    """Ours with `rows=`, on single rows of what absence means, or with `budget=`, on all of up to 100 background rows."""

    def run(point: Point, rows: int, seed: int) -> Answer:
        predictor = point.predictor()
        space = point.whole if single_rows else point.background(seed)
        n_base = len(space.background)
        # the answers at 100 background rows are part of what is paid; those at a whole table serve all explained rows
        once = n_base if single_rows and point.target == "population" else 0
        asked: dict[str, Any] = {"rows": rows + once - n_base} if single_rows else {"budget": rows // n_base}
        one = px.explain([method], predictor, space, point.x[None], seed=seed, **asked).popitem()[1][0]
        low, high = one.interval()
        covered = float(((low[:, -1] <= point.truth) & (point.truth <= high[:, -1])).mean())
        return Answer(one.values[:, -1], predictor.rows - once, once, covered, one.meta.get("odd_share", [None])[-1])

    return run


def shap(name: str, as_shipped: bool = False) -> Callable[[Point, int, int], Answer]:
    """shap through the same Predictor, numpy's global state put back after it; rows are those that shap asked itself."""

    def run(point: Point, rows: int, seed: int) -> Answer:
        space = point.background(seed)
        budget = rows // len(space.background)
        found = px.reference(name, point.predictor(), space, point.x[None], budget=budget, seed=seed, as_shipped=as_shipped)
        one = found.popitem()[1][0]
        return Answer(one.values[:, -1], int(one.meta["rows"] - sum(one.meta["rows_once_a_call"].values())))

    return run


def shapiq(paired: bool) -> Callable[[Point, int, int], Answer]:
    def run(point: Point, rows: int, seed: int) -> Answer:
        from shapiq.approximator import KernelSHAP

        predictor, background = point.predictor(), np.array(point.background(seed).background)

        def game(z: Any) -> Floats:
            shown = np.where(np.asarray(z, dtype=bool)[:, None, :], point.x, background)  # (M, B, D)
            values: Floats = predictor(shown.reshape(-1, len(point.x)))[:, -1].reshape(len(z), -1).mean(axis=1)
            return values

        approximator = KernelSHAP(len(point.x), pairing_trick=paired, random_state=seed)
        found = approximator.approximate(rows // len(background), game)
        return Answer(found.get_n_order_values(1), predictor.rows)

    return run


def lightshap(point: Point, rows: int, seed: int) -> Answer:
    """LightSHAP's KernelSHAP for so many rounds as the rows hold, in the way it takes by itself, or the next that fits.

    By itself it lists sizes 1, 2, P - 1, P - 2 ("h2") up to 16 columns and 1, P - 1 ("h1") beyond, and samples the others
    in rounds of 2 (P - 1 - 2 h) coalitions. Below both there is "sampling" alone.
    """
    from lightshap import explain_any

    background, n = np.array(point.background(seed).background), len(point.x)
    fits = rows // len(background) - 2  # it asks for nothing and everything as well
    for degree in (2, 1, 0) if n <= 16 else (1, 0):
        listed, a_round = 2 * sum((n, n * (n - 1) // 2)[:degree]), 2 * (n - 1 - 2 * degree)
        if (rounds := (fits - listed) // a_round) > 0:
            break
    else:
        raise ValueError(f"rows={rows} do not hold one round of LightSHAP's on {n} columns.")
    predictor = point.predictor()
    found = explain_any(
        lambda given: predictor(given)[:, -1], point.x[None], bg_X=background, method="kernel",
        how=("sampling", "h1", "h2")[degree], max_iter=int(rounds), tol=1e-12, random_state=seed, verbose=False,
    )  # fmt: skip
    return Answer(np.asarray(found.shap_values).reshape(-1), predictor.rows)


def exact_on_background(point: Point, _rows: int, seed: int) -> Answer:
    """What no number of coalitions mends: the exact values for 100 background rows of the table, read from the trees."""
    found = px.baselines(["glass_box"], point.predictor(), point.background(seed), point.x[None])["glass_box"]
    return Answer(found.values[0, :, -1], 0)


METHODS = (
    Method("ours, rows=", ours("kernel_shap", single_rows=True), single_rows=True),
    Method("ours, budget=", ours(px.KernelShap(surrogate="none"))),
    Method("ours, budget=, surrogate", ours(px.KernelShap(surrogate="auto")), 20, 0),
    Method("ours, permutation", ours("permutation_shap")),
    Method("ours, sampling", ours("sampling_shap")),
    Method("shap Permutation", shap("shap.permutation")),
    Method("shap Kernel, l1_reg=0", shap("shap.kernel")),
    Method("shap Kernel, default", shap("shap.kernel", as_shipped=True)),
    Method("shapiq, paired", shapiq(True)),
    Method("shapiq, default", shapiq(False)),
    Method("LightSHAP", lightshap),
)
ON_POPULATION = ("ours, rows=", "shap Permutation", "shap Kernel, l1_reg=0", "shapiq, paired", "LightSHAP")
EXACT_ON_BACKGROUND = Method("exact values on 100 rows", exact_on_background)
