"""Controls: maps that look at no model."""

from __future__ import annotations

import numpy as np
import pytest

import perturbxai as px


def brightness(pictures):
    return pictures.mean(axis=(1, 2, 3))


def picture(seed=0, height=32, width=48):
    return np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)


def mapped(method, x=None, **options):
    space = px.ImageSpace(segments="grid", n_segments=12, fill=0, **options)
    return px.baselines([method], px.Predictor(brightness), space, picture() if x is None else x)


def test_random_values_are_the_same_for_the_same_input_in_any_company():
    both = mapped("random", [picture(1), picture(2)])["random"]
    alone = mapped("random", picture(2))["random"]
    np.testing.assert_array_equal(both[1].values, alone[0].values)
    assert not np.allclose(both[0].values, both[1].values)


def test_random_seeds_differ_and_are_keyed():
    space = px.ImageSpace(segments="grid", n_segments=12, fill=0)
    found = px.baselines([px.Random(seed=0), px.Random(seed=1)], px.Predictor(brightness), space, picture())
    assert list(found) == ["random(seed=0)", "random(seed=1)"]
    assert not np.allclose(found["random(seed=0)"].values, found["random(seed=1)"].values)


def test_random_values_of_outputs_are_independent_normals():
    X = np.random.default_rng(0).normal(size=(300, 8))
    predictor = px.Predictor(lambda rows: np.column_stack([rows[:, 0], rows[:, 1]]))
    values = px.baselines("random", predictor, px.TabularSpace(X, background=2), X)["random"].values  # (300, 8, 2)
    assert abs(values.mean()) < 4 / np.sqrt(values.size)
    assert abs(values.std() - 1) < 4 / np.sqrt(2 * values.size)
    correlation = np.corrcoef(values[..., 0].ravel(), values[..., 1].ravel())[0, 1]
    assert abs(correlation) < 4 / np.sqrt(values.size / 2)


def test_centre_is_one_in_the_middle_and_zero_in_the_corners():
    heat = mapped("centre", picture(height=33, width=49))["centre"][0].heat[0]
    assert heat[16, 24] == 1.0
    np.testing.assert_allclose(heat[[0, 0, -1, -1], [0, -1, 0, -1]], 0.0, atol=1e-12)
    np.testing.assert_allclose(heat, heat[::-1, ::-1], atol=1e-12)


def test_edges_are_where_the_picture_steps():
    x = np.zeros((32, 32, 1), dtype=np.float32)
    x[:, 16:] = 1.0
    heat = mapped("edges", x)["edges"][0].heat[0]
    assert (heat[:, 15:17] > 0.5).all()
    np.testing.assert_array_equal(np.delete(heat, [15, 16], axis=1), 0.0)


@pytest.mark.parametrize("method", ["centre", "edges"])
def test_values_are_the_sums_of_the_heat_over_the_players(method):
    one = mapped(method)[method][0]
    np.testing.assert_allclose(one.values.sum(axis=0), one.heat.sum(axis=(1, 2)), rtol=1e-12)


@pytest.mark.parametrize("method", ["centre", "edges"])
def test_a_table_has_no_middle_and_no_edges(method):
    with pytest.raises(ValueError, match=f"{method} is a map of a picture"):
        px.baselines([method], px.Predictor(lambda X: X[:, 0]), px.TabularSpace(np.zeros((1, 3))), np.ones(3))
