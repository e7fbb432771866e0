"""Painting over: the weighted means of Rong et al. against a dense solve, edges, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from perturbxai.inputs import imputation
from perturbxai.inputs.imputation import noisy_linear


@pytest.fixture
def without_noise(monkeypatch):
    monkeypatch.setattr(imputation, "NOISE", 0.0)


def slowly(picture, hidden):
    """The same by a loop over pixels and a dense system."""
    height, width, channels = picture.shape
    places = [(i, j) for i in range(height) for j in range(width) if hidden[i, j]]
    number = {place: n for n, place in enumerate(places)}
    A, b = np.zeros((len(places), len(places))), np.zeros((len(places), channels))
    for (i, j), n in number.items():
        around = [(i + a, j + c) for a in (-1, 0, 1) for c in (-1, 0, 1) if a or c]
        there = [(p, q) for p, q in around if 0 <= p < height and 0 <= q < width]
        weight = {(p, q): 1 / 12 if p != i and q != j else 1 / 6 for p, q in there}
        A[n, n] = sum(weight.values())
        for place in there:
            if place in number:
                A[n, number[place]] -= weight[place]
            else:
                b[n] += weight[place] * picture[place]
    found = picture.astype(float).copy()
    for place, values in zip(places, np.linalg.solve(A, b), strict=True):
        found[place] = values
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.usefixtures("without_noise")
def test_it_is_the_solution_of_the_whole_system(seed):
    rng = np.random.default_rng(seed)
    picture = rng.uniform(0, 255, (7, 9, 3)).astype(np.float32)
    hidden = rng.random((7, 9)) < 0.2 + 0.12 * seed
    hidden[3, 4] = False
    np.testing.assert_allclose(noisy_linear(picture, hidden, rng), slowly(picture, hidden), rtol=1e-5)


@pytest.mark.usefixtures("without_noise")
def test_a_flat_or_sloping_picture_is_painted_over_as_it_was():
    rng = np.random.default_rng(0)
    ramp = np.add.outer(2.0 * np.arange(12), np.arange(12))[:, :, None].astype(np.float32)
    hidden = np.zeros((12, 12), dtype=bool)
    hidden[4:8, 3:9] = True
    np.testing.assert_allclose(noisy_linear(ramp, hidden, rng), ramp, atol=1e-4)
    np.testing.assert_allclose(noisy_linear(np.full_like(ramp, 7.0), hidden, rng), 7.0, atol=1e-5)


def test_what_is_seen_is_left_alone_and_noise_is_a_hundredth_of_the_range():
    rng = np.random.default_rng(0)
    picture = np.zeros((60, 60, 1), dtype=np.float32)
    picture[:, ::2] = 200.0
    before, hidden = picture.copy(), np.zeros((60, 60), dtype=bool)
    hidden[10:50, 10:50] = True
    one, other = noisy_linear(picture, hidden, rng), noisy_linear(picture, hidden, rng)
    np.testing.assert_array_equal(picture, before)
    np.testing.assert_array_equal(one[~hidden], picture[~hidden])
    assert (one - other)[hidden].std() == pytest.approx(np.sqrt(2) * 2.0, rel=0.1)


def test_nothing_hidden_and_all_hidden_have_answers():
    rng = np.random.default_rng(0)
    picture = rng.uniform(size=(5, 6, 2)).astype(np.float32)
    np.testing.assert_array_equal(noisy_linear(picture, np.zeros((5, 6), dtype=bool), rng), picture)
    found = noisy_linear(picture, np.ones((5, 6), dtype=bool), rng)
    np.testing.assert_allclose(found, np.broadcast_to(picture.mean(axis=(0, 1)), found.shape), atol=0.06)
