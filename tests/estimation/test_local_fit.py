"""The weighted fit of a neighbourhood: slopes, sandwich errors with leverages, and where the errors are read cheaply."""

from __future__ import annotations

import numpy as np
import pytest

from perturbxai.estimation.neighbourhood import weighted_fit
from perturbxai.estimation.neighbourhood.weighted_fit import fit_weighted


def rows_of(n_rows, n_slopes=6, n_outputs=2, seed=0):
    """Binary and continuous columns that were drawn independently, weights, and answers with an interaction."""
    rng = np.random.default_rng(seed)
    design = (rng.random((n_slopes, n_rows)) < rng.uniform(0.2, 0.6, (n_slopes, 1))).astype(float)
    design[0] = rng.normal(1.0, 2.0, n_rows)
    weight = np.exp(-rng.uniform(0.0, 2.0, n_rows))
    values = np.array([design[0] * design[1] + design[2], np.sin(design[0]) * (1 + design[3])])[:n_outputs].T
    return design, weight, values


def fitted(design, weight, values):
    n_slopes, n_outputs = len(design), values.shape[1]
    return fit_weighted(design, weight, values, np.zeros((n_slopes, n_outputs)), values.T.copy(), 0)


def by_the_book(design, weight, values):
    """Slopes, HC3 errors and leave-one-out R2 of weighted least squares with an intercept, by the formulas."""
    x = np.column_stack([np.ones(len(weight)), design.T])
    inverse = np.linalg.inv(x.T @ (weight[:, None] * x))
    beta = inverse @ x.T @ (weight[:, None] * values)
    leverage = weight * np.einsum("np,pq,nq->n", x, inverse, x)
    left_out = (values - x @ beta) / (1 - leverage)[:, None]
    moved = (weight[:, None] * x) @ inverse
    errors = np.sqrt(np.einsum("np,nk->pk", moved**2, left_out**2))
    centred = values - weight @ values / weight.sum()
    return beta[1:], errors[1:], 1 - weight @ left_out**2 / (weight @ centred**2)


@pytest.mark.parametrize("n_rows", [20, 200])
def test_few_rows_have_the_slopes_and_the_sandwich_errors_of_the_book(n_rows):
    design, weight, values = rows_of(n_rows)
    found = fitted(design, weight, values)
    slopes, errors, r2 = by_the_book(design, weight, values)
    np.testing.assert_allclose(found.slopes, slopes, atol=1e-10)
    np.testing.assert_allclose(found.stderr, errors, rtol=1e-9)
    np.testing.assert_allclose(found.r2, r2, atol=1e-9)


@pytest.mark.parametrize("n_rows", [700, 5000])
@pytest.mark.parametrize("seed", range(5))
def test_many_independent_rows_have_nearly_the_same_errors_at_a_fraction_of_the_work(n_rows, seed):
    design, weight, values = rows_of(n_rows, seed=seed)
    found = fitted(design, weight, values)
    slopes, errors, r2 = by_the_book(design, weight, values)
    np.testing.assert_allclose(found.slopes, slopes, atol=1e-10)
    # what is left out is below the noise of the errors themselves, which is 1 over the root of twice the rows and more
    np.testing.assert_allclose(found.stderr, errors, rtol=1.5 / np.sqrt(n_rows))
    np.testing.assert_allclose(found.r2, r2, atol=0.1 * len(design) / n_rows)


def test_many_rows_that_correlate_keep_the_errors_of_the_book(monkeypatch):
    design, weight, values = rows_of(4000)
    design[5] = design[4] + 0.3 * design[5]
    found = fitted(design, weight, values)
    np.testing.assert_allclose(found.stderr, by_the_book(design, weight, values)[1], rtol=1e-9)
    monkeypatch.setattr(weighted_fit, "NEARLY_ONE", np.inf)  # without the look at the inflation they would be others
    cheap = fitted(design, weight, values)
    assert np.abs(cheap.stderr / found.stderr - 1.0).max() > 1e-3


def test_rows_that_do_not_determine_the_slopes_are_refused():
    design, weight, values = rows_of(400)
    design[5] = design[4]
    with pytest.raises(ValueError, match="400 drawn rows do not determine 6 slopes"):
        fitted(design, weight, values)
