"""Players in their thousands, where comb(P, h) is no float any more: right, or refused before the model is asked."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from math import comb

import numpy as np
import pytest

import perturbxai as px
from perturbxai.estimation.coalitions import semivalues
from perturbxai.models import device
from perturbxai.sampling import laws

SLOW = pytest.mark.slow
COUNTS = (1030, pytest.param(1029, marks=SLOW), pytest.param(2000, marks=SLOW), pytest.param(5000, marks=SLOW))
# what a linear game is worth by each method: all of its coefficient, or (RISE) half of it
LINEAR = {
    "lime": px.Lime(), "narrow lime": px.Lime(kernel_width=0.01), "wide lime": px.Lime(kernel_width=5.0),
    "kernel_shap": px.KernelShap(), "banzhaf": px.Banzhaf(), "likely banzhaf": px.Banzhaf(p=0.9), "rise": px.Rise(),
    "occlusion": px.Occlusion(), "inclusion": px.Inclusion(), "pdp": px.Pdp(), "ice": px.Ice(), "ale": px.Ale(),
    "permutation_shap": px.PermutationShap(), "sampling_shap": px.SamplingShap(), "partition_shap": px.PartitionShap(),
}  # fmt: skip


def asked(method, n_players, *, background=1, n_rows=1, **bounds):
    """(slopes, predictor, result) of a linear model at x = 1 over a background of zeros and, beyond one row, of twos."""
    slopes = np.random.default_rng(n_players).normal(size=n_players)
    base = np.zeros((background, n_players))
    base[1:] = 2.0
    predictor = px.Predictor(lambda rows: rows @ slopes)
    found = px.explain(method, predictor, px.TabularSpace(base), np.ones((n_rows, n_players)), **bounds)
    return slopes, predictor, found


@pytest.mark.parametrize("n_players", COUNTS)
@pytest.mark.parametrize("method", LINEAR.values(), ids=LINEAR)
def test_every_method_is_right_on_a_linear_game_of_many_players(method, n_players):
    budget = 4 * n_players if isinstance(method, px.PartitionShap) else 2 * n_players + 4
    slopes, predictor, found = asked(method, n_players, budget=budget)
    (result,) = found.values()
    share = 0.5 if isinstance(method, px.Rise) else 1.0
    np.testing.assert_allclose(result.values[0, :, 0], share * slopes, atol=1e-9)
    assert predictor.rows <= budget and (result.stderr >= 0).all()


@pytest.mark.parametrize("n_players", [1030, pytest.param(2000, marks=SLOW)])
def test_all_methods_of_one_table_are_right_together_and_with_known_errors(n_players):
    names = ["lime", "kernel_shap", "banzhaf", "rise"]
    slopes, _, found = asked(names, n_players, budget=5 * n_players)
    for name in names:
        np.testing.assert_allclose(found[name].values[0, :, 0], (0.5 if name == "rise" else 1.0) * slopes, atol=1e-11)
        assert np.isfinite(found[name].stderr).all()


@pytest.mark.parametrize("n_players", [pytest.param(1030, marks=SLOW), pytest.param(2000, marks=SLOW)])
@pytest.mark.parametrize("estimator", ["plain", "centred"])
def test_the_means_of_rise_miss_by_their_errors(estimator, n_players):
    slopes, _, found = asked(px.Rise(estimator=estimator), n_players, budget=2 * n_players + 4)
    result = found["rise"]
    mean = 0.5 * slopes.sum() if estimator == "plain" else 0.0
    away = (result.values[0, :, 0] - 0.5 * slopes - mean) / result.stderr[0, :, 0]
    # variances of plain means differ by the player (95 to 538 at 1,030); none is taken below their mean: half are too wide
    assert (0.3 if estimator == "plain" else 0.5) < np.sqrt((away**2).mean()) < 1.6


@pytest.mark.parametrize("n_players", [300, pytest.param(1029, marks=SLOW), pytest.param(2000, marks=SLOW)])
def test_single_background_rows_and_a_tolerance_bear_many_players(n_players):
    _, predictor, found = asked(
        ["kernel_shap", "lime", "banzhaf"], n_players, background=2, rows=4 * n_players + 3, tol=10.0
    )
    for result in found.values():  # present 1, absent 0 or 2: every value is nothing on average
        away = result.values[0, :, 0] / result.stderr[0, :, 0]
        assert np.sqrt((away**2).mean()) < 2.0
    assert predictor.rows <= 4 * n_players + 5


@pytest.mark.parametrize("n_players", [110, 300, pytest.param(1030, marks=SLOW)])
def test_untouched_coalitions_are_scored_at_many_players(n_players):
    _, predictor, found = asked("kernel_shap", n_players, budget=2 * n_players)
    scores = px.compare(found, predictor, px.TabularSpace(np.zeros((1, n_players))), metrics=["faithfulness"]).scores
    assert scores.value.min() > 0.999


@pytest.mark.slow
def test_superpixels_in_their_thousands():
    labels = np.arange(33 * 33).reshape(33, 33)
    space = px.ImageSpace(segments=labels, fill=0)
    slopes = np.random.default_rng(0).normal(size=labels.shape)
    predictor = px.Predictor(lambda rows: (rows[..., 0] * slopes).sum(axis=(1, 2)))
    found = px.explain(["kernel_shap", "lime", "occlusion"], predictor, space, np.ones((33, 33, 1)), budget=4400)
    for result in found.values():
        np.testing.assert_allclose(result.values[0, :, 0], slopes.ravel(), atol=1e-4)  # float32 pixels


# ------------------------------------------------------------------------------------------- what is refused, and when


NEVER = {
    "interactions": (px.Interactions(), 5000), "interactions, enough coalitions": (px.Interactions(), 3_000_000),
    "stii": (px.Interactions(index="stii"), 5000), "exact_shap": (px.ExactShap(), 5000),
    "kernel_shap, too large": (px.KernelShap(), 10**9), "lime, too large": (px.Lime(), 10**9),
}  # fmt: skip


@pytest.mark.parametrize("n_players", [1029, 1030, 5000])
@pytest.mark.parametrize(("method", "budget"), NEVER.values(), ids=NEVER)
def test_what_cannot_be_is_refused_before_the_model_is_asked(method, budget, n_players):
    def never(_rows):
        raise AssertionError("asked")

    space = px.TabularSpace(np.zeros((1, n_players)))
    with pytest.raises(ValueError, match=r"players") as caught:
        px.explain(method, px.Predictor(never), space, np.ones((1, n_players)), budget=budget)
    assert len(str(caught.value)) < 400


def test_a_table_whose_fit_does_not_fit_in_memory_is_refused_with_what_does(monkeypatch):
    left = 8 * 2000 * 50 * px.KernelShap().arrays_held(50, 2000, on_cells=False) - 1
    monkeypatch.setattr(device, "memory_left", lambda: left)
    with pytest.raises(ValueError, match=r"budget=2000: .* 50 players kernel_shap needs .* for budget=1999 or fewer"):
        asked("kernel_shap", 50, budget=2000)
    asked("kernel_shap", 50, budget=1999)
    monkeypatch.setattr(device, "memory_left", lambda: None)  # where the machine does not tell
    asked("kernel_shap", 50, budget=2000)


# ----------------------------------------------------------------------------------------------------------- the weights


@pytest.mark.parametrize("n_players", [3, 24, 1030, 5000])
def test_shapley_weights_are_the_exact_ratios(n_players):
    weights = semivalues.shapley_weights(n_players)
    for size in {0, 1, n_players // 2, n_players - 1}:
        assert weights[size] == float(Fraction(1, n_players * comb(n_players - 1, size)))


@pytest.mark.parametrize("n_players", [2, 5, 60, 1029, 1030, 5000])
@pytest.mark.parametrize("width", [1e-4, 0.01, 0.25, 10.0])
def test_masses_are_distributions_that_a_solver_can_use(width, n_players):
    for law in (laws.lime(n_players, width), laws.binomial(n_players, width / 20.0), laws.binomial(n_players, 0.5)):
        assert law.mass.sum() == pytest.approx(1.0, abs=1e-9) and (law.mass > 0).all()
        ordered = np.sort(law.in_fits)
        assert ordered[0] >= 0.99e-14 * ordered[-2] and ordered[-1] <= 1.01e14 * ordered[-2]


def _exact_lime(n_players, width, values):
    """LIME's slopes of all coalitions z (M, P) by normal equations in numbers of 600 digits."""
    z = np.array(np.meshgrid(*[[0, 1]] * n_players, indexing="ij")).reshape(n_players, -1).T
    with localcontext() as context:
        context.prec = 600
        share = (Decimal(int(s)) / n_players for s in z.sum(axis=1))
        weight = [(-((1 - s.sqrt()) ** 2) / (2 * Decimal(str(width)) ** 2)).exp() for s in share]
        x = [[Decimal(1), *map(Decimal, map(int, row))] for row in z]
        answers = [Decimal(float(v)) for v in values(z)]
        p = n_players + 1
        a = [[sum(w * r[i] * r[j] for w, r in zip(weight, x, strict=True)) for j in range(p)] for i in range(p)]
        b = [sum(w * r[i] * v for w, r, v in zip(weight, x, answers, strict=True)) for i in range(p)]
        for i in range(p):  # Gauss and Jordan; the matrix is positive definite
            for k in range(p):
                if k != i:
                    factor = a[k][i] / a[i][i]
                    a[k] = [u - factor * v for u, v in zip(a[k], a[i], strict=True)]
                    b[k] -= factor * b[i]
        return np.array([float(b[i] / a[i][i]) for i in range(1, p)])


@pytest.mark.parametrize("width", [0.003, 0.01, 0.03, 0.1, 0.25])
@pytest.mark.parametrize("ridge", [0.0, 1e-9])
def test_the_narrowest_kernels_are_solved(width, ridge):
    def knotted(z):
        return z[:, 0] * z[:, 1] * 2.0 + z[:, 2] - z[:, 3] * z[:, 4] * z[:, 0] + 0.25

    space = px.TabularSpace(np.zeros((1, 5)))
    found = px.explain(px.Lime(kernel_width=width, ridge=ridge), px.Predictor(knotted), space, np.ones((1, 5)), budget=32)
    if ridge and width < 0.03:  # all but the input itself weigh next to nothing, in lime's units: the ridge is all
        assert len(np.unique(found["lime"].values.round(6))) == 1
    else:
        np.testing.assert_allclose(found["lime"].values[0, :, 0], _exact_lime(5, width, knotted), atol=1e-6)
