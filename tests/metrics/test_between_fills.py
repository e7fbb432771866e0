"""What compare() says of one method under two fills, on a picture whose values under every fill are known."""

from __future__ import annotations

import numpy as np
import pytest
from picture_nets import Pooled, picture, seeded

import perturbxai as px

SHOWN = np.array([0.9, 0.4, 0.7, 0.1, 0.6, 0.3])  # the grey of each of six squares
WEIGHT = np.array([2.0, -1.0, 3.0, 1.0, 0.5, -2.0])
LABELS = np.repeat(np.repeat(np.arange(6).reshape(2, 3), 4, axis=0), 4, axis=1)
PHOTO = SHOWN[LABELS][:, :, None].astype(np.float32)


def weighed(pictures):
    """An additive model: each square's mean grey times its weight."""
    means = pictures[..., 0].reshape(-1, 2, 4, 3, 4).mean(axis=(2, 4)).reshape(-1, 6)
    return (means @ WEIGHT)[:, None]


def explained(methods=("occlusion", "kernel_shap"), fills=(0.0, 0.5, 0.2), model=weighed, **options):
    """Results under each fill, keyed method@fill, and what asks the model."""
    predictor = px.Predictor(model)
    results = {}
    for fill in fills:
        space = px.ImageSpace(segments=LABELS, fill=fill)
        found = px.explain(list(methods), predictor, space, PHOTO, **options)
        results |= {f"{name}@{fill}": one for name, one in found.items()}
    return results, predictor, space


@pytest.fixture(scope="module")
def compared():
    results, predictor, space = explained()
    results |= px.baselines(["centre"], predictor, space, PHOTO)
    return px.compare(results, predictor, space, metrics=["srg"], fills=[0.0, 0.5])


def line(compared, method, a, b):
    pairs = compared.fill_spread.query("result_a == @a and result_b == @b", local_dict={"a": a, "b": b})
    assert set(pairs.method) == {method} and len(pairs) == 1
    return pairs.iloc[0]


def test_the_difference_between_two_fills_is_that_of_the_known_values(compared):
    # the value of a square is weight * (shown - fill), so that it moves by weight * (difference of the fills)
    found = line(compared, "occlusion", "occlusion@0.0", "occlusion@0.5")
    np.testing.assert_allclose(found.difference, 0.5 * np.sqrt(np.mean(WEIGHT**2)), rtol=1e-6)  # the picture is float32
    np.testing.assert_allclose(found.spread, found.difference / np.sqrt(2.0))


def test_a_sign_is_kept_where_the_picture_is_on_one_side_of_both_fills(compared):
    found = line(compared, "occlusion", "occlusion@0.0", "occlusion@0.5")
    assert found.told == 6  # values are exact, and none is zero
    assert found.told_same_sign == np.mean((SHOWN - 0.0) * (SHOWN - 0.5) > 0) == 0.5


def test_exact_values_have_no_noise_beside_which_a_spread_could_be_held(compared):
    assert line(compared, "occlusion", "occlusion@0.0", "occlusion@0.5").spread_over_noise == np.inf


def test_every_result_has_its_spread_over_all_its_fills_in_the_summary(compared):
    values = np.stack([WEIGHT * (SHOWN - fill) for fill in (0.0, 0.5, 0.2)])
    table = compared.summary()
    # the standard deviation over three fills, from three pairs, of which a result stands in two
    pairs = compared.fill_spread[compared.fill_spread.method == "kernel_shap"]
    assert len(pairs) == 3
    np.testing.assert_allclose(np.mean(pairs.spread**2), np.var(values, axis=0, ddof=1).mean(), rtol=1e-6)
    moved = np.array([0.5, 0.2]) * np.sqrt(np.mean(WEIGHT**2)) / np.sqrt(2.0)
    np.testing.assert_allclose(table.loc["kernel_shap@0.0", "fill spread"], np.sqrt(np.mean(moved**2)), rtol=1e-6)


def test_a_map_that_no_fill_enters_is_the_same_under_all(compared):
    assert compared.summary().loc["centre", ["fill spread", "fill spread / noise", "sign kept"]].tolist() == [0.0, 0.0, 1.0]
    assert "centre" not in set(compared.fill_spread.method)


def test_where_one_fill_explains_nothing_is_said_of_spread():
    results, predictor, space = explained(fills=[0.0])
    found = px.compare(results, predictor, space, metrics=["srg"])
    assert found.fill_spread.empty and "fill spread" not in found.summary()


def bent(pictures):
    """Products of squares besides, so that drawn coalitions leave an error."""
    means = pictures[..., 0].reshape(-1, 2, 4, 3, 4).mean(axis=(2, 4)).reshape(-1, 6)
    return np.exp(2.0 * means @ WEIGHT / 3.0)[:, None]


def test_a_spread_is_held_against_the_standard_error_of_the_coalitions_drawn():
    results, predictor, space = explained(["permutation_shap"], fills=[0.0, 0.02], model=bent, budget=25)
    found = px.compare(results, predictor, space, metrics=["spearman"]).fill_spread.iloc[0]
    left, right = results.values()
    noise = np.sqrt(np.mean(left.stderr**2 + right.stderr**2))
    assert 0.0 < noise < np.inf
    np.testing.assert_allclose(found.noise, noise)
    np.testing.assert_allclose(found.spread_over_noise, found.difference / noise)
    both = np.logical_and(*[(low > 0) | (high < 0) for low, high in (left.interval(), right.interval())])
    assert found.told == both.sum() < 6  # some interval holds zero: its sign is not counted


def test_an_error_that_cannot_be_known_gives_no_ratio():
    # one pair of walks has no degrees of freedom: its error is infinite
    results, predictor, space = explained(["permutation_shap"], fills=[0.0, 0.5], model=bent, budget=13)
    assert np.isinf(results["permutation_shap@0.0"].stderr).all()
    found = px.compare(results, predictor, space, metrics=["srg"])
    assert found.fill_spread.spread_over_noise.isna().all() and (found.fill_spread.told == 0).all()
    assert found.summary()["sign kept"].isna().all()


def test_maps_of_two_layers_are_not_taken_for_one_map_under_two_fills():
    net = seeded(Pooled)
    results = {}
    predictor = px.Predictor(net)
    for fill in (0.0, "mean"):
        space = px.ImageSpace(segments="grid", n_segments=6, fill=fill)
        found = px.baselines(["integrated_gradients", "score_cam"], predictor, space, picture(), layer=["act#0", "act#1"])
        results |= {f"{name}@{fill}": one for name, one in found.items()}
    pairs = px.compare(results, predictor, space, metrics=["spearman"]).fill_spread
    kept = {(a.rpartition("@")[0], b.rpartition("@")[0]) for a, b in zip(pairs.result_a, pairs.result_b, strict=True)}
    assert kept == {(name, name) for name in {key.rpartition("@")[0] for key in results}}


def test_methods_that_differ_in_an_option_are_told_apart():
    results, predictor, space = explained([px.Lime(), px.Lime(kernel_width=0.5)], fills=[0.0, 0.5])
    pairs = px.compare(results, predictor, space, metrics=["spearman"]).fill_spread
    assert len(pairs) == 2 and set(pairs.method) == {"lime"}
    assert all(a.replace("@0.0", "") == b.replace("@0.5", "") for a, b in zip(pairs.result_a, pairs.result_b, strict=True))


def test_the_network_is_asked_nothing_for_the_spread():
    net = seeded(Pooled)
    predictor = px.Predictor(net)
    results = {}
    for fill in (0.0, "mean"):
        space = px.ImageSpace(segments="grid", n_segments=6, fill=fill)
        results |= {f"{k}@{fill}": v for k, v in px.explain(["occlusion"], predictor, space, picture()).items()}
    rows = predictor.rows
    assert len(px.compare(results, predictor, space, metrics=["spearman"]).fill_spread) == 3  # a line an output
    assert predictor.rows == rows
