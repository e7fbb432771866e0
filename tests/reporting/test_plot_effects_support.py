"""Where partial dependence leaves the data: nothing is said of independent columns, and what is said has a known size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.reporting.curves.off_data import unsupported


def space_of(**columns) -> px.TabularSpace:
    return px.TabularSpace(pd.DataFrame(columns))


def slow_share(a: np.ndarray, b: np.ndarray, grid: np.ndarray) -> float:
    """The definition, question by question, for two columns of numbers with many values, in ten bins of each."""
    edges = [np.quantile(one, np.arange(1, 10) / 10, method="inverted_cdf") for one in (a, b)]

    def cell(x, y):
        return int((x > edges[0]).sum()), int((y > edges[1]).sum())

    rows = [cell(x, y) for x, y in zip(a, b, strict=True)]
    full = set(rows)
    n, first, second = len(rows), [r[0] for r in rows], [r[1] for r in rows]
    far = 0
    for x in grid:
        for y in b:
            i, j = cell(x, y)
            far += (i, j) not in full and first.count(i) * second.count(j) / n >= 8.0
    return far / (len(grid) * len(b))


@pytest.mark.parametrize("n", [100, 1000, 20_000])
def test_nothing_is_said_of_independent_columns(n):
    rng = np.random.default_rng(n)
    space = space_of(a=rng.normal(size=n), b=rng.exponential(size=n), c=rng.choice(list("xyz"), n), d=rng.integers(0, 4, n))
    for name in "abcd":
        grid = np.unique(space.columns.decode_values(space.columns.names.index(name), space.codes[:, "abcd".index(name)]))
        # a cell is empty by chance once in 3,000 times, and there are at most 100 a plane
        assert unsupported(space, name, grid).share < 0.01


def test_the_share_is_that_of_the_definition():
    rng = np.random.default_rng(0)
    a = rng.normal(size=1000)
    b = 0.9 * a + np.sqrt(1 - 0.81) * rng.normal(size=1000)
    grid = np.linspace(-2, 2, 7)
    found = unsupported(space_of(a=a, b=b), "a", grid)
    assert found.share == pytest.approx(slow_share(a, b, grid), abs=1e-12)
    assert found.column == "b" and found.at.shape == (7,) and found.at.mean() == pytest.approx(found.share)


def test_it_grows_with_the_correlation_up_to_nine_tenths_of_two_columns_that_say_the_same():
    rng = np.random.default_rng(0)
    a, e = rng.normal(size=(2, 5000))
    grid = np.quantile(a, np.linspace(0.0125, 0.9875, 40))  # four points in each tenth
    shares = [unsupported(space_of(a=a, b=r * a + np.sqrt(1 - r * r) * e), "a", grid).share for r in (0, 0.5, 0.8, 0.95, 1)]
    assert shares == sorted(shares) and shares[0] == 0.0
    assert shares[-1] == pytest.approx(0.9)  # all of the ten by ten cells but the ten on the diagonal


def test_levels_and_missing_values_exclude_each_other_too():
    rng = np.random.default_rng(0)
    season = rng.choice(["winter", "summer"], 400)
    month = np.where(season == "winter", rng.choice([1, 2, 12], 400), rng.choice([6, 7, 8], 400))
    depth = np.where(season == "winter", rng.normal(size=400), np.nan)  # snow is measured in winter only
    space = space_of(season=season, month=month, depth=depth)
    found = unsupported(space, "season", np.array(["summer", "winter"], dtype=object))
    assert found.share == pytest.approx(0.5) and found.column in ("month", "depth")
    only = unsupported(space_of(season=season, depth=depth), "depth", np.array([0.0, np.nan]))
    # a depth is made up for the summer's rows, and none for the winter's
    np.testing.assert_allclose(only.at, [(season == "summer").mean(), (season == "winter").mean()])


def test_rare_levels_are_no_evidence():
    rng = np.random.default_rng(0)
    names = np.array([f"id {n % 200}" for n in range(400)])  # two rows each
    found = unsupported(space_of(name=names, a=rng.normal(size=400)), "a", np.linspace(-1, 1, 5))
    assert found.share == 0.0 and found.column == ""


def test_a_panel_says_it_of_partial_dependence_and_not_of_an_accumulated_curve():
    rng = np.random.default_rng(0)
    a, c = rng.normal(size=(2, 2000))
    X = pd.DataFrame({"a": a, "b": a + 0.05 * rng.normal(size=2000), "c": c})
    space = px.TabularSpace(X)
    found = px.effects(
        ["pdp", "ice", "ale"], px.Predictor(lambda X: X["a"] * X["b"]), space, X, features=["a", "c"], grid=10
    )

    def said(result, **options):
        return [text.get_text() for axis in px.plot(result, **options).axes for text in axis.texts]

    (told,) = said({"pdp": found["pdp"], "ale": found["ale"]}, space=space)  # of a, and not of c
    share = unsupported(space, "a", found["pdp"]["a"].grid[0]).share
    assert f"PDP asks {share:.0%} where no rows are" in told and "beside b" in told and "ALE stays near" in told
    assert share > 0.6
    assert "ALE would stay near" in said(found["pdp"]["a"], space=space)[0]
    assert said(found["ice"]["a"], space=space)[0].startswith("ICE asks")
    assert not said(found["ale"]["a"], space=space)
    assert not said(found["pdp"]["a"])  # without the space the data are not known
