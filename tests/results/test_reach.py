"""The error of how far a curve goes: of its highest point less its lowest, which err together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import perturbxai as px


def level(X):
    """Rows differ far more in what they answer everywhere than in how the first column moves them."""
    return 10.0 * X[:, 1] + X[:, 0] * (1.0 + X[:, 2])


def asked(method, X, model=level, **options):
    return px.effects(method, px.Predictor(model), px.TabularSpace(X), X, features=["x0"], **options)


def uniform(n, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, size=(n, 3))


def test_the_error_of_a_rise_is_that_of_the_rows_own_rises():
    X, grid = uniform(200), np.linspace(-1, 1, 5)
    (found,) = (e["x0"] for e in asked("pdp", X, grid={"x0": grid}).values())
    rises = 2.0 * (1.0 + X[:, 2])
    np.testing.assert_allclose(found.reach_stderr[0], rises.std(ddof=1) / np.sqrt(200), rtol=1e-9)
    assert found.reach_stderr[0] < 0.25 * found.stderr[0, 0]


def test_a_curve_that_all_rows_share_goes_as_far_as_it_does_for_sure():
    (found,) = (e["x0"] for e in asked("pdp", uniform(200), lambda X: 3.0 * X[:, 0] + 10.0 * X[:, 1]).values())
    assert found.describe().startswith("As x0 goes from") and "±" not in found.describe()


@pytest.mark.parametrize("method", ["pdp", pytest.param(px.Ice(name="ice"), marks=pytest.mark.slow), "ale"])
def test_intervals_of_how_far_a_curve_goes_hold_it(method):
    held = []
    for seed in range(300):
        (found,) = (e["x0"] for e in asked(method, uniform(150, seed), grid={"x0": [-1.0, 0.0, 1.0]}).values())
        rise = found.values[-1, 0] - found.values[0, 0]
        held.append(abs(rise - 2.0) <= 1.976 * found.reach_stderr[0])
    assert 0.92 <= np.mean(held) <= 0.98  # 300 draws: a standard error of .013


def test_it_is_told_with_the_words_and_is_not_that_of_a_missing_value():
    X = pd.DataFrame(uniform(200), columns=["x0", "x1", "x2"])
    model = lambda d: np.where(d.x0.isna(), -50.0, level(d.fillna(0.0).to_numpy()))  # noqa: E731
    found = asked("pdp", X, model)["pdp"]["x0"]
    half = 1.972 * found.reach_stderr[0]
    assert f"rises by {found.values[-1, 0] - found.values[0, 0]:.1f} ± {half:.1f}" in found.describe()
    X.loc[:20, "x0"] = np.nan
    gap = asked("pdp", X, model)["pdp"]["x0"]
    assert gap.values[-1, 0] < -49 and 0.8 < gap.reach_stderr[0] / found.reach_stderr[0] < 1.2


def test_surfaces_and_slopes_have_none():
    X = uniform(60)
    found = px.effects(["pdp", "ale"], level, X, X, features=[("x0", "x1")], grid=3)
    slopes = px.effects(px.Ice(curves="derivative"), level, X, X, features=["x0"], grid=3)
    effects = [one for by in (found, slopes) for each in by.values() for one in each.values()]
    assert len(effects) == 3 and all(one.reach_stderr is None for one in effects)
