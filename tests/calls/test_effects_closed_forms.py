"""Effects of functions whose curves are known: PDP and ALE where they agree, and where correlation parts them."""

from __future__ import annotations

import numpy as np
import pytest

import perturbxai as px


def asked(methods, X, model, **options):
    return px.effects(methods, px.Predictor(model), px.TabularSpace(X), X, **options)


def inner(effect):
    """Grid and values without the outer points, whose bins reach as far as the data and are wide."""
    return effect.grid[0][1:-1], effect.values[1:-1, 0]


def apart(found, expected):
    """The largest distance of a curve from what it should be, both centred."""
    return np.abs((found - found.mean()) - (expected - expected.mean())).max()


SHAPE = px.Pdp(curves="centred", name="shape")


def test_an_additive_function_gives_its_own_terms_in_every_method():
    X = np.random.default_rng(0).normal(size=(500, 3))
    X[:, 1] += X[:, 0]

    def model(rows):
        return np.exp(rows[:, 0]) + 20 * np.sin(3 * rows[:, 1]) + rows[:, 2] ** 2

    terms = (np.exp, lambda v: 20 * np.sin(3 * v), np.square)
    found = asked([SHAPE, px.Ice(curves="centred"), "ale"], X, model)
    for name, term in zip(("x0", "x1", "x2"), terms, strict=True):
        grid = found["ale"][name].grid[0]
        np.testing.assert_allclose(np.diff(found["ale"][name].values[:, 0]), np.diff(term(grid)), atol=1e-11)
        np.testing.assert_allclose(found["shape"][name].values, found["ale"][name].values, atol=1e-11)
        curves = found["ice"][name].individual
        np.testing.assert_allclose(curves, np.broadcast_to(found["ale"][name].values, curves.shape), atol=1e-11)
        for key in found:  # no row differs from another: no error but rounding, and no heterogeneity
            assert found[key][name].stderr.max() < 1e-10 and found[key][name].heterogeneity.max() < 1e-10


def test_an_additive_function_has_no_surface_also_where_columns_are_correlated():
    X = np.random.default_rng(0).normal(size=(800, 3))
    X[:, 1] += X[:, 0]
    model = lambda rows: np.exp(rows[:, 0]) + 20 * np.sin(3 * rows[:, 1]) + rows[:, 2]  # noqa: E731
    found = asked("ale", X, model, features=[(0, 1), (2, 0)], grid={"x0": 10, "x1": 17})["ale"]
    assert found["x0", "x1"].extrapolated.any()
    for effect in found.values():
        assert np.abs(effect.values).max() <= 1e-8


def test_the_surface_of_a_product_is_the_product_of_the_centred_columns():
    X = np.random.default_rng(0).uniform(-1, 1, size=(20_000, 2)) + [0.5, 1.0]
    grid = {"x0": 10, "x1": 17}
    options = {"features": [(0, 1)], "grid": grid, "rows": 10**6}
    found = asked("ale", X, lambda rows: rows[:, 0] * rows[:, 1], **options)["ale"]["x0", "x1"]
    expected = np.outer(found.grid[0] - 0.5, found.grid[1] - 1.0)
    np.testing.assert_allclose(found.values[..., 0], expected, atol=0.06)  # .009 at these rows; bare edges would miss by 1


def test_the_curves_in_a_product_of_independent_columns_are_lines_with_the_others_mean_as_slope():
    X = np.random.default_rng(0).normal(size=(20_000, 2)) + [1.0, 3.0]
    found = asked([SHAPE, "ale"], X, lambda rows: rows[:, 0] * rows[:, 1], rows=2 * 10**6)
    for name, mean, others in (("x0", 1.0, 3.0), ("x1", 3.0, 1.0)):
        for effects in found.values():
            grid, values = inner(effects[name])
            np.testing.assert_allclose(values, others * (grid - mean), atol=0.08)  # means err by .007, times 3


@pytest.mark.parametrize(("power", "truth"), [(1, lambda x, r: r * (x**2 - 1) / 2), (2, lambda x, r: 2 * r * x**3 / 3)])
def test_pdp_is_flat_and_ale_follows_the_data_where_normal_columns_are_correlated(power, truth):
    rho, z = 0.7, np.random.default_rng(0).normal(size=(20_000, 2))
    X = np.column_stack([z[:, 0], rho * z[:, 0] + np.sqrt(1 - rho**2) * z[:, 1]])
    found = asked(["pdp", "ale"], X, lambda rows: rows[:, 0] ** power * rows[:, 1], features=[0], grid=60, rows=2 * 10**6)
    grid, values = inner(found["ale"]["x0"])
    assert apart(values, truth(grid, rho)) < 0.15  # of a range of 1.4 and 8
    assert np.abs(found["pdp"]["x0"].values).max() < 0.1 * np.abs(grid).max() ** power


def test_a_column_and_its_noisy_copy():
    rng = np.random.default_rng(0)
    x = rng.uniform(-0.5, 0.5, 50_000)
    X = np.column_stack([x, x + rng.normal(0, 0.05, 50_000)])
    found = asked("ale", X, lambda rows: rows[:, 0] * rows[:, 1], features=[0], grid=40, rows=10**6)["ale"]["x0"]
    np.testing.assert_allclose(found.values[:, 0], found.grid[0] ** 2 / 2 - 1 / 24, atol=5e-4)  # 1e-4 at 200,000 rows


def test_the_exponential_of_a_sum():
    X = np.random.default_rng(0).normal(size=(20_000, 2))
    found = asked(["pdp", "ale"], X, lambda rows: np.exp(rows.sum(axis=1)), features=[0], grid=40, rows=2 * 10**6)
    for effects in found.values():
        grid, values = inner(effects["x0"])
        expected = np.exp(grid + 0.5)
        assert apart(values, expected) < 0.04 * np.ptp(expected)  # the mean of exp over 20,000 rows errs by .9 %


def test_a_jump_is_a_ramp_across_its_bin_and_exact_where_it_falls_on_an_edge():
    x = (np.arange(1000) - 499.5) / 500
    X = np.column_stack([x, np.random.default_rng(0).normal(size=1000)])
    for edges in (np.array([-1.0, -0.4, 0.0, 0.5, 1.0]), np.array([-1.0, -0.4, 0.3, 1.0])):
        model = lambda rows: (rows[:, 0] > 0).astype(float)  # noqa: E731
        found = asked("ale", X, model, features=[0], grid={"x0": edges})["ale"]["x0"]
        step = np.diff(found.values[:, 0])
        np.testing.assert_allclose(step, (edges[1:] > 0) & (edges[:-1] <= 0), atol=1e-12)
        share = np.mean((x > -0.4) & (x <= 0.3)) if 0.0 not in edges else np.mean((x > 0) & (x <= 0.5))
        # centred by what the ramp says at the rows: off the share of rows above 0 by half of its bin at most
        assert abs(found.values[-1, 0] - (1 - np.mean(x > 0))) <= share / 2 + 1e-12


def test_ishigami():
    X = np.random.default_rng(0).uniform(-np.pi, np.pi, size=(3000, 3))

    def model(rows):
        return np.sin(rows[:, 0]) + 7 * np.sin(rows[:, 1]) ** 2 + 0.1 * rows[:, 2] ** 4 * np.sin(rows[:, 0])

    found = asked(["pdp", "ale"], X, model, features=[0, 1, 2, (0, 2)], grid=20, rows=3000 * 550)
    grid, pdp = found["pdp"]["x0"].grid[0], found["pdp"]["x0"].values[:, 0]
    factor = 1 + 0.1 * np.pi**4 / 5
    assert abs(factor - 2.948182) < 1e-6
    np.testing.assert_allclose(
        pdp, factor * np.sin(grid) + 3.5, atol=0.25
    )  # the mean of x3^4 errs by 2 %, sin and 7 sin^2 too
    two = found["pdp"]["x1"]
    np.testing.assert_allclose(two.values[:, 0], 7 * np.sin(two.grid[0]) ** 2, atol=0.15)
    assert np.ptp(found["pdp"]["x2"].values) < 0.15 * 0.1 * np.pi**4  # sin x1 averages to 0 within .013
    surface = found["ale"]["x0", "x2"]
    a, b = surface.grid
    expected = 0.1 * np.outer(np.sin(a), b**4 - np.pi**4 / 5)
    np.testing.assert_allclose(
        surface.values[..., 0], expected, atol=0.12 * np.ptp(expected)
    )  # bins of a steep fourth power


def test_friedman_1():
    X = np.random.default_rng(0).uniform(size=(5000, 5))

    def model(rows):
        product = 10 * np.sin(np.pi * rows[:, 0] * rows[:, 1])
        return product + 20 * (rows[:, 2] - 0.5) ** 2 + 10 * rows[:, 3] + 5 * rows[:, 4]

    found = asked([SHAPE, "ale"], X, model, grid=20, rows=5000 * 21 * 5 + 1)
    expected = {
        "x0": lambda x: 10 * (1 - np.cos(np.pi * x)) / (np.pi * x), "x2": lambda x: 20 * (x - 0.5) ** 2,
        "x3": lambda x: 10 * x, "x4": lambda x: 5 * x,
    }  # fmt: skip
    for effects in found.values():
        for name, curve in expected.items():
            grid, values = effects[name].grid[0], effects[name].values[:, 0]
            # the terms of one column are exact; that of the product has the noise of the other column's mean
            assert apart(values, curve(grid)) < (0.2 if name == "x0" else 1e-10)


def test_exclusive_or_is_flat_on_average_and_plus_or_minus_one_row_by_row():
    X = np.tile([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], (25, 1))
    found = asked(["pdp", "ale", px.Ice(curves="anchored")], X, lambda rows: (rows[:, 0] != rows[:, 1]).astype(float))
    for name, other in (("x0", 1), ("x1", 0)):
        np.testing.assert_allclose(found["pdp"][name].values, 0.5)
        np.testing.assert_allclose(found["ale"][name].values, 0.0, atol=1e-15)
        rise = found["ice"][name].individual[:, 1, 0]
        np.testing.assert_array_equal(rise, np.where(X[list(found["ice"][name].individual_rows), other] == 0, 1.0, -1.0))
    pair = asked("ale", X, lambda rows: (rows[:, 0] != rows[:, 1]).astype(float), features=[(0, 1)])["ale"]["x0", "x1"]
    np.testing.assert_allclose(pair.values[..., 0], [[-0.5, 0.5], [0.5, -0.5]], atol=1e-15)


def test_the_larger_of_two():
    X = np.random.default_rng(0).uniform(size=(10_000, 2))
    found = asked(["pdp", "ale"], X, lambda rows: rows.max(axis=1), features=[0], rows=10**6)
    grid = found["ale"]["x0"].grid[0]
    np.testing.assert_allclose(found["pdp"]["x0"].values[:, 0], (1 + grid**2) / 2, atol=0.01)
    np.testing.assert_allclose(found["ale"]["x0"].values[:, 0], grid**2 / 2 - 1 / 6, atol=0.01)


def test_pdp_leaves_the_data_where_ale_does_not():
    x = np.random.default_rng(0).normal(size=2000)
    X = np.column_stack([x, x + 1e-3 * np.random.default_rng(1).normal(size=2000)])
    found = asked([SHAPE, "ale"], X, lambda rows: rows[:, 0] * rows[:, 1], features=[0], rows=10**6)
    grid, values = inner(found["ale"]["x0"])
    assert apart(values, grid**2 / 2) < 0.03
    assert np.abs(found["shape"]["x0"].values).max() < 0.05 * np.abs(found["shape"]["x0"].grid[0]).max()
