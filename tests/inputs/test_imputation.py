"""Regions painted over: equal to a dense solve and to another package, within their surroundings, and drawn by rng alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbxai.inputs.imputation import NOISE, noisy_linear

FEW = settings(max_examples=30, deadline=None, derandomize=True)


class Silent(np.random.Generator):
    """A generator whose normal numbers are all 0."""

    def __init__(self):
        super().__init__(np.random.PCG64(0))

    def normal(self, *given):
        return np.zeros(given[-1])


def dense(picture, hidden):
    """The slow twin: each hidden pixel the mean of its eight neighbours, 1/6 the direct and 1/12 the diagonal ones."""
    places = [tuple(p) for p in np.argwhere(hidden)]
    left, right = np.zeros((len(places), len(places))), np.zeros((len(places), picture.shape[2]))
    for n, (i, j) in enumerate(places):
        near = [(a, b) for a in (i - 1, i, i + 1) for b in (j - 1, j, j + 1) if (a, b) != (i, j)]
        near = [(a, b) for a, b in near if 0 <= a < hidden.shape[0] and 0 <= b < hidden.shape[1]]
        weight = {(a, b): 1 / 6 if a == i or b == j else 1 / 12 for a, b in near}
        left[n, n] = sum(weight.values())
        for other, share in weight.items():
            if other in places:
                left[n, places.index(other)] -= share
            else:
                right[n] += share * picture[other]
    found = picture.astype(np.float64)
    found[hidden] = np.linalg.solve(left, right)
    return found


@FEW
@given(st.integers(0, 10_000), st.integers(1, 7), st.integers(2, 8), st.floats(0.1, 0.9))
def test_pixels_are_those_of_a_dense_solve(seed, height, width, share):
    rng = np.random.default_rng(seed)
    picture, hidden = rng.random((height, width, 2), dtype=np.float32), rng.random((height, width)) < share
    hidden[0, 0] = False
    np.testing.assert_allclose(noisy_linear(picture, hidden, Silent()), dense(picture, hidden), atol=1e-6)  # float32


def test_pixels_are_those_of_quantus():
    picture = (np.arange(36.0).reshape(6, 6, 1) ** 2 / 1296).astype(np.float32)
    hidden = np.zeros((6, 6), dtype=bool)
    hidden[0, 0] = hidden[2:5, 1:4] = hidden[5, 5] = True
    expected = [  # quantus 0.6.0: noisy_linear_imputation(noise=0)
        0.0189814815, 0.1731053533, 0.2049745824, 0.2163152298, 0.3322893972, 0.3777362797, 0.3940177923, 0.5249572051,
        0.5753449528, 0.6052041187, 0.737345679,
    ]  # fmt: skip
    np.testing.assert_allclose(noisy_linear(picture, hidden, Silent())[hidden][:, 0], expected, atol=1e-6)  # float32


def test_what_is_seen_stays_and_what_is_hidden_does_not_enter():
    rng = np.random.default_rng(0)
    picture, hidden = rng.random((9, 9, 3), dtype=np.float32), rng.random((9, 9)) < 0.5
    other = np.where(hidden[..., None], 1.0 - picture, picture).astype(np.float32)
    found, again = (noisy_linear(one, hidden, Silent()) for one in (picture, other))
    np.testing.assert_array_equal(found[~hidden], picture[~hidden])
    np.testing.assert_array_equal(found, again)
    assert picture[~hidden].min() <= found.min() and found.max() <= picture[~hidden].max()


@pytest.mark.parametrize("units", [1.0, 255.0])
def test_the_noise_is_a_hundredth_of_the_range(units):
    picture = np.zeros((60, 60, 3), dtype=np.float32)
    picture[:, :30] = units
    hidden = np.ones((60, 60), dtype=bool)
    hidden[0] = False
    noise = noisy_linear(picture, hidden, np.random.default_rng(0)) - noisy_linear(picture, hidden, Silent())
    assert noise[hidden].std() == pytest.approx(NOISE * units, rel=0.05)


def test_a_picture_all_hidden_becomes_its_mean_colour_and_one_all_seen_stays():
    picture = np.random.default_rng(0).random((5, 4, 3), dtype=np.float32)
    whole = np.ones((5, 4), dtype=bool)
    np.testing.assert_allclose(noisy_linear(picture, whole, Silent()).std(axis=(0, 1)), 0.0, atol=1e-6)
    np.testing.assert_array_equal(noisy_linear(picture, ~whole, np.random.default_rng(0)), picture)


def test_the_same_generator_paints_the_same():
    picture, hidden = np.random.default_rng(0).random((8, 8, 3), dtype=np.float32), np.eye(8, dtype=bool)
    one, same, other = (noisy_linear(picture, hidden, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (one == same).all() and (one != other).any()
