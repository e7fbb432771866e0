"""Maps of networks that forgot: what stays alike, and what grows even."""

from __future__ import annotations

import numpy as np
import pytest

from perturbxai.metrics.randomisation import emprt, smprt

A = np.array([1.0, 2.0, 3.0, 4.0])


def test_a_map_that_never_changes_is_wholly_alike_and_so_is_its_reverse():
    assert smprt(A, np.stack([A, 2.0 * A])) == 1.0
    assert smprt(A, np.stack([-A, A])) == 1.0  # the sign may turn: it speaks of the same parts


def test_likeness_is_the_mean_over_stages_and_a_constant_map_is_like_none():
    crossed = np.array([2.0, 1.0, 4.0, 3.0])  # rank correlation .6
    assert smprt(A, np.stack([A, crossed])) == pytest.approx(0.8)
    assert smprt(A, np.stack([A, np.zeros(4)])) == pytest.approx(0.5)
    assert np.isnan(smprt(np.ones(4), np.stack([A, A])))


def test_random_maps_are_as_alike_as_chance_makes_them():
    rng = np.random.default_rng(0)
    found = [smprt(rng.normal(size=20), rng.normal(size=(4, 20))) for _ in range(300)]
    assert np.mean(found) == pytest.approx(np.sqrt(2 / np.pi / 19), abs=0.02)  # mean |r| of independent ranks


def test_entropy_rises_by_its_share_when_a_map_grows_even():
    single, half, even = np.array([1.0, 0, 0, 0]), np.array([1.0, 1.0, 0, 0]), np.ones(4)
    assert emprt(half, np.stack([single, even])) == pytest.approx(1.0)  # log 4 over log 2, less 1: the last stage counts
    assert emprt(half, np.stack([even, half])) == pytest.approx(0.0)
    assert emprt(even, half[None]) == pytest.approx(-0.5)
    assert np.isnan(emprt(single, even[None])) and np.isnan(emprt(np.zeros(4), even[None]))


def test_a_map_that_became_zero_has_no_entropy_to_rise_to():
    assert np.isnan(emprt(np.ones(4), np.zeros((1, 4))))
