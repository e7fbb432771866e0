"""Effects on photos: curves of opacity against a slow twin, and their rises against values that are known by formula."""

from __future__ import annotations

import tracemalloc

import numpy as np
import oracles
import pytest
import recorders
from opacity_games import ALL, formulas, halves, of_formula, of_network, rises, smooth

import perturbxai as px
from perturbxai.estimation.curves.opacity import OpacityCurve, half_effect, non_monotone, variation
from perturbxai.sampling.references import bins_of, draw_references
from perturbxai.sampling.streams import Streams

# ------------------------------------------------------------------------------------------------ the definition


@pytest.mark.parametrize("rest", ["uniform", "half", "fade", "present", "absent"])
def test_curves_are_their_definition(rest):
    n_players, bins, n_pairs = 4, 4, 8
    predictor, space, photo = of_formula(smooth, n_players)
    features = [0, 1, 2, 3]
    found = px.effects(ALL, predictor, space, photo, rest=rest, grid=bins, features=features, rows=1_400, seed=2)
    meta = found["pdp"]["superpixel 0"].meta
    single = rest in ("present", "absent")
    if single:
        share, others = np.full(1, np.nan), np.full((1, n_players), float(rest == "present"))
    else:
        n_pairs = meta["reference_rows"] // 2
        rng = Streams(2).of_input(space.players(photo)[0].digest, "pdp")
        share, others = draw_references(n_pairs, n_players, rng, 0.5 if rest == "half" else None)
        others = np.tile(share[:, None], n_players) if rest == "fade" else others.astype(float)
    assert meta["reference_rows"] == len(others) >= (1 if single else 40)
    for j in range(n_players):
        ice, pdp, ale = oracles.opacity_curves(smooth, others, share, j, bins)
        name = f"superpixel {j}"
        # opacities travel as float32
        np.testing.assert_allclose(found["ice"][name].individual, ice, atol=1e-6)
        np.testing.assert_allclose(found["ice"][name].values, pdp, atol=1e-6)
        np.testing.assert_allclose(found["pdp"][name].values, pdp, atol=1e-6)
        np.testing.assert_allclose(found["ale"][name].values, ale, atol=1e-6)
        np.testing.assert_allclose(found["pdp"][name].grid[0], np.arange(bins + 1) / bins, atol=1e-15)


def test_ale_alone_asks_two_rows_a_reference_row_and_player_and_is_the_same_curve():
    predictor, space, photo = of_formula(smooth, 5)
    found = px.effects("ale", predictor, space, photo, rows=1_000)["ale"]
    n_rows = found["superpixel 0"].meta["reference_rows"]
    assert n_rows == 90 and predictor.rows <= 2 * n_rows * 5 + 2  # 18 rows in each of five bins
    share, others = draw_references(n_rows // 2, 5, Streams(0).of_input(space.players(photo)[0].digest, "ale"))
    for j in range(5):
        _, _, ale = oracles.opacity_curves(smooth, others.astype(float), share, j, 5)
        np.testing.assert_allclose(found[f"superpixel {j}"].values, ale, atol=1e-6)
        assert found[f"superpixel {j}"].counts.tolist() == [18] * 5


def test_every_bin_of_opacity_has_as_many_rows_for_any_number_of_bins():
    for bins in (2, 3, 4, 5, 8, 11):
        share, _ = draw_references(2 * bins, 3, np.random.default_rng(bins))
        assert np.bincount(bins_of(share, bins)).tolist() == [4] * bins
        np.testing.assert_array_equal(bins_of(share, bins), np.floor(share * bins))


def test_reference_rows_come_in_antithetic_pairs_whatever_their_chance():
    share, present = draw_references(500, 6, np.random.default_rng(0), 0.5)
    assert (present[0::2] != present[1::2]).all()
    np.testing.assert_allclose(share[0::2] + share[1::2], 1.0, atol=1e-15)
    # 3,000 draws know a chance to .009, and it does not depend on t
    low = present[0::2][:250].mean()
    assert abs(low - 0.5) < 0.04 and abs(present[0::2][250:].mean() - 0.5) < 0.04


# ------------------------------------------------------------------------------------------------ known values


RISES = [("pdp", rest) for rest in ("uniform", "half", "present", "absent")]
RISES += [("ale", rest) for rest in ("fade", "half", "present", "absent")]  # of "uniform" the textbook ALE: see its gap


@pytest.mark.parametrize(("method", "rest"), RISES)
def test_on_a_multilinear_game_a_rise_is_the_value_of_its_rest(method, rest):
    value, known = formulas()
    predictor, space, photo = of_formula(value, 6)
    inside = []
    for seed in range(1 if rest in ("present", "absent") else 24):
        bins = 2 if method == "pdp" else 5
        found = px.effects(method, predictor, space, photo, rest=rest, grid=bins, rows=900, seed=seed)[method]
        away = np.abs(rises(found) - known[rest])
        inside.append(away <= halves(found) + 1e-6)  # opacities travel as float32
    # at least 95 % of 144 intervals, correlated within a run; where a single row is the population, all
    assert np.mean(inside) >= (1.0 if rest in ("present", "absent") else 0.9)


def test_with_fade_each_bin_of_a_multilinear_game_is_exact_at_its_rows():
    value, known = formulas()
    predictor, space, photo = of_formula(value, 6)
    found = px.effects("ale", predictor, space, photo, rest="fade", grid=2, rows=20_000)["ale"]
    # a step over its width is the slope at t; drawn in strata, 1,600 t know the integral to some 1e-4
    np.testing.assert_allclose(rises(found), known["fade"], atol=1e-3)


@pytest.mark.parametrize("rest", ["uniform", "half", "present", "absent"])
def test_a_smooth_game_has_the_rises_of_its_coalitions(rest):
    n_players = 6
    z = oracles.all_coalitions(n_players).astype(float)
    table = smooth(z)
    full, empty = smooth(np.ones((1, 6)))[0], smooth(np.zeros((1, 6)))[0]
    known = {
        "uniform": oracles.shapley_by_orders(smooth, n_players),
        "half": np.array([2.0 * (table * (2.0 * z[:, j : j + 1] - 1.0)).mean(axis=0) for j in range(n_players)]),
        "present": full - smooth(1.0 - np.eye(6)), "absent": smooth(np.eye(6)) - empty,
    }[rest]  # fmt: skip
    predictor, space, photo = of_formula(smooth, n_players)
    inside = []
    for seed in range(24):
        found = px.effects("pdp", predictor, space, photo, rest=rest, grid=2, rows=900, seed=seed)["pdp"]
        inside.append(np.abs(rises(found) - known) <= halves(found) + 1e-12)
    assert np.mean(inside) >= 0.9


def aumann_shapley(value, n_players, n_steps=2_000):
    """(P, K): the integral of each opacity's slope along the fade, by the midpoint rule and central differences."""
    t = (np.arange(n_steps) + 0.5) / n_steps
    found = []
    for j in range(n_players):
        step = np.zeros(n_players)
        step[j] = 1e-4
        along = np.tile(t[:, None], n_players)
        found.append(((value(along + step) - value(along - step)) / 2e-4).mean(axis=0))
    return np.array(found)


def test_with_fade_the_rise_of_ale_is_the_aumann_shapley_value():
    predictor, space, photo = of_formula(smooth, 5)
    found = px.effects("ale", predictor, space, photo, rest="fade", grid=40, rows=10_000)["ale"]
    # bins leave some 1e-4, drawn t within them as much
    np.testing.assert_allclose(rises(found), aumann_shapley(smooth, 5), atol=1e-3)


def test_with_fade_what_the_rises_leave_of_the_gain_falls_with_the_square_of_the_bins():
    gaps = {}
    for bins in (2, 4, 8, 16):
        predictor, space, photo = of_formula(smooth, 5)
        found = px.effects("ale", predictor, space, photo, rest="fade", grid=bins, rows=60_000)["ale"]
        gaps[bins] = np.abs(found["superpixel 0"].meta["gap"])
    assert (gaps[4] < gaps[2] / 2.5).all() and (gaps[8] < gaps[4] / 2.5).all() and (gaps[16] < gaps[8] / 2.5).all()
    assert (gaps[16] < 0.01).all()


def test_the_gap_is_what_the_rises_leave_of_the_gain_and_near_nothing_for_shapley_values():
    game, predictor, space, photo = of_network()
    found = px.effects(ALL, predictor, space, photo)
    gain = game.ends[1] - game.ends[0]
    for method in ALL:
        gap = found[method]["superpixel 3"].meta["gap"]
        np.testing.assert_allclose(gap, gain - rises(found[method]).sum(axis=0), atol=1e-12)
    assert np.abs(found["pdp"]["superpixel 3"].meta["gap"]).max() < 0.1 * np.abs(gain).max()


# ------------------------------------------------------------------------------------------------ beside explain()


@pytest.mark.parametrize(("method", "budget"), [("pdp", 40 * 11 + 2), ("ale", 2 * 40 * 10)])
def test_a_rise_is_what_explain_says_of_the_same_seed_and_reference_rows(method, budget):
    _, predictor, space, photo = of_network()
    value = px.explain(method, predictor, space, photo, budget=budget, seed=5)[method]
    found = px.effects(method, predictor, space, photo, seed=5)[method]
    assert value[0].meta["reference_rows"] == found["superpixel 0"].meta["reference_rows"] == 40
    np.testing.assert_allclose(rises(found), value.values[0], atol=1e-12)
    np.testing.assert_allclose([e.superpixel.stderr for e in found.values()], value.stderr[0], rtol=1e-6, atol=1e-14)


@pytest.mark.parametrize(("rest", "method"), [("present", "ice"), ("present", "occlusion"), ("absent", "inclusion")])
def test_with_the_rest_shown_or_hidden_a_rise_is_exactly_occlusion_or_inclusion(rest, method):
    _, predictor, space, photo = of_network()
    value = px.explain(method, predictor, space, photo)[method]
    for found in px.effects(ALL, predictor, space, photo, rest=rest).values():
        np.testing.assert_allclose(rises(found), value.values[0], atol=1e-12)
        assert max(effect.superpixel.stderr.max() for effect in found.values()) < 1e-13  # nothing was drawn


# ------------------------------------------------------------------------------------------------ what is asked


@pytest.mark.parametrize("rest", ["uniform", "half", "fade", "present", "absent"])
@pytest.mark.parametrize("methods", [ALL, ["pdp"], ["ale"], ["ale", "ice"]], ids="+".join)
def test_rows_are_never_exceeded_and_none_is_asked_twice(methods, rest):
    rng = np.random.default_rng(0)
    photo = rng.random((6, 12, 3), dtype=np.float32)
    space = px.ImageSpace(segments=np.arange(72).reshape(6, 12) // 6, fill=0.5)  # 12 players
    asked = []
    for rows in (700, 1_400, 2_700):
        recorder = recorders.Recorder(recorders.of_pictures)
        predictor = px.Predictor(recorder, batch_size=32)
        px.effects(methods, predictor, space, photo, rest=rest, rows=rows)
        assert predictor.rows <= rows and recorder.repeated == 0
        asked.append(predictor.rows)
    assert len(set(asked)) == (1 if rest in ("present", "absent") else 3)


def test_all_rises_and_eight_curves_cost_what_is_promised():
    _, predictor, space, photo = of_network()
    found = px.effects(["pdp", "ice"], predictor, space, photo)
    m, p, k = 40, 10, 5
    assert predictor.rows <= m * (p + 1) + (k - 1) * m * 8 + 2
    sizes = {name: len(effect.grid[0]) for name, effect in found["pdp"].items()}
    assert sorted(sizes.values()) == [2, 2] + [6] * 8
    smallest = np.abs(rises(found["pdp"])) / np.abs(rises(found["pdp"])).max(axis=0)
    assert {int(i) for i in np.argsort(smallest.mean(axis=1))[:2]} == {p for p, n in enumerate(sizes.values()) if n == 2}


def test_memory_does_not_hold_the_rows():
    photo = np.random.default_rng(0).random((64, 64, 3), dtype=np.float32)  # 49 kB: 4,000 rows would take 196 MB
    space = px.ImageSpace(segments="grid", n_segments=16, fill=0)
    predictor = px.Predictor(lambda pictures: pictures.mean(axis=(1, 2, 3)) ** 2, batch_size=16)
    space.players(photo)
    tracemalloc.start()
    px.effects(ALL, predictor, space, photo, rows=5_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert predictor.rows > 3_000
    assert peak < 30 << 20


def test_features_by_name_or_number_are_the_only_ones_asked():
    _, predictor, space, photo = of_network()
    by_number = px.effects("pdp", predictor, space, photo, features=[7, 2])["pdp"]
    assert list(by_number) == ["superpixel 7", "superpixel 2"]
    assert predictor.rows <= 40 * (2 + 1) + 4 * 40 * 2 + 2
    by_name = px.effects("pdp", predictor, space, photo, features="superpixel 2")["pdp"]
    np.testing.assert_array_equal(by_name["superpixel 2"].values, by_number["superpixel 2"].values)
    assert "gap" not in by_name["superpixel 2"].meta  # of one player nothing sums to anything


def test_the_seed_asks_the_same_questions_at_any_batch_size():
    photo = np.random.default_rng(0).random((8, 8, 1), dtype=np.float32)
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0)

    def total(pictures):  # each row on its own, whatever the batch
        return np.array([np.sum(p, dtype=np.float64) ** 2 for p in pictures])

    one, many = (px.effects(ALL, px.Predictor(total, batch_size=size), space, photo) for size in (1, 64))
    for method in ALL:
        for name in one[method]:
            np.testing.assert_array_equal(one[method][name].values, many[method][name].values)
            np.testing.assert_array_equal(one[method][name].stderr, many[method][name].stderr)


def test_superpixels_that_the_fill_does_not_change_are_named_and_have_no_curve():
    photo = np.random.default_rng(0).random((4, 12, 1), dtype=np.float32)
    fill = photo.copy()
    fill[:, :8] = 0.0
    space = px.ImageSpace(segments=np.arange(48).reshape(4, 12) % 12 // 4, fill=fill)
    predictor = px.Predictor(lambda pictures: pictures.sum(axis=(1, 2, 3)))
    found = px.effects("pdp", predictor, space, photo)["pdp"]
    assert list(found) == ["superpixel 0", "superpixel 1"]
    assert found["superpixel 0"].meta["merged"] == ["superpixel 2"]
    with pytest.raises(ValueError, match="the fill shows 'superpixel 2' as the photo does"):
        px.effects("pdp", predictor, space, photo, features=2)
    with pytest.raises(ValueError, match="the fill shows every superpixel as the photo does"):
        px.effects("pdp", predictor, space.with_fill(photo), photo)


@pytest.mark.parametrize(("rows", "whole"), [(100, 0), (700, 5), (1_150, 9)])
def test_a_model_that_fails_leaves_what_was_finished_in_partial(rows, whole):
    _, _, space, photo = of_network()
    asked = []

    def failing(pictures):
        asked.extend(pictures)
        values = pictures.sum(axis=(1, 2, 3))
        return np.where(len(asked) > rows, np.nan, values)

    def working(pictures):
        return pictures.sum(axis=(1, 2, 3))

    options = {"features": range(10), "rows": 2_500}
    with pytest.raises(px.ModelError) as failure:
        px.effects(["pdp", "ale"], px.Predictor(failing, batch_size=8), space, photo, **options)
    partial = failure.value.partial
    assert list(partial["pdp"]) == list(partial["ale"])
    assert abs(len(partial["pdp"]) - whole) <= 2  # as many players as the answered rows hold, but for batches
    full = px.effects("pdp", px.Predictor(working, batch_size=8), space, photo, **options)
    for name, effect in partial["pdp"].items():
        np.testing.assert_allclose(effect.values, full["pdp"][name].values, rtol=1e-6)


# ------------------------------------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("methods", "options", "message"),
    [
        ("pdp", {"rest": "none"}, "rest='none' is not known; expected one of 'uniform', 'fade', 'present', 'absent'"),
        ("pdp", {"grid": 1}, "grid=1 must be a whole number of bins of opacity from 2 up"),
        ("pdp", {"grid": [0.0, 1.0]}, "must be a whole number of bins of opacity"),
        ("pdp", {"by": "x0"}, "by='x0' is a column of a table"),
        ("pdp", {"rows": 0}, "rows=0 must be a whole number"),
        ("pdp", {"rows": 100}, "rows=100 is below the 174 model rows that curves of 8 superpixels need"),
        ("ale", {"rows": 100}, "rows=100 is below the 202 model rows"),
        ("pdp", {"features": []}, "features is empty"),
        ("pdp", {"features": 10}, "features: 10 is not a superpixel of the photo; the photo has 10, 'superpixel 0'"),
        ("pdp", {"features": "superpixl 3"}, "did you mean 'superpixel 3'"),
        ("pdp", {"features": (1, 2)}, r"features: \(1, 2\) is a pair"),
        (px.Pdp(curves="centred"), {}, "pdp: curves='centred' is for tables"),
        (px.Ice(curves="anchored"), {}, "ice: curves='anchored' is for tables"),
        (px.Ale(bins=10), {}, r"ale: bins=10 is for tables; leave it out on a photo, where effects\(grid=...\)"),
    ],
)
def test_what_can_be_known_without_the_model_is_refused_before_it_is_asked(methods, options, message):
    _, predictor, space, photo = of_network()
    with pytest.raises(ValueError, match=message):
        px.effects(methods, predictor, space, photo, **options)
    assert predictor.rows == 0


def test_several_photos_are_refused_and_so_is_a_rest_on_a_table():
    _, predictor, space, photo = of_network()
    with pytest.raises(ValueError, match="x has 2 photos, and a curve is of one photo's superpixels"):
        px.effects("pdp", predictor, space, np.stack([photo, photo]))
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(ValueError, match="rest='half' is about the other superpixels of a photo"):
        px.effects("pdp", px.Predictor(lambda rows: rows[:, 0]), px.TabularSpace(X), X, rest="half")


# ------------------------------------------------------------------------------------------------ what is reported


def curve_of(values):
    values = np.asarray(values, dtype=float)[:, None]
    nothing = np.zeros_like(values)
    return OpacityCurve(values, nothing, np.ones(1), 1.0, nothing, np.ones(len(values), dtype=int), nothing, np.zeros(1))


@pytest.mark.parametrize(
    ("values", "half", "way"),
    [
        ([0.0, 1.0, 2.0], 0.5, 1.0),
        ([1.0, 1.0, 3.0], 0.75, 1.0),
        ([0.0, 4.0, 2.0], 0.125, 3.0),
        ([0.0, -3.0, -4.0], 1 / 3, 1.0),
        ([5.0, 4.0, 6.0], 0.875, 3.0),
        ([1.0, 2.0, 1.0], np.nan, np.nan),
    ],
)
def test_half_effect_and_variation_of_known_curves(values, half, way):
    curve = curve_of(values)
    np.testing.assert_allclose(half_effect(np.array([0.0, 0.5, 1.0]), curve), [half], atol=1e-15)
    np.testing.assert_allclose(variation(curve), [way], atol=1e-15)


def test_where_only_the_ends_are_known_nothing_is_said_of_the_shape():
    curve = curve_of([0.0, 1.0])
    assert np.isnan(half_effect(np.array([0.0, 1.0]), curve)).all() and np.isnan(variation(curve)).all()


def test_the_share_of_curves_that_turn_back_leaves_out_what_is_small():
    curves = np.array([[0, 1, 2], [0, 2, 1], [0, -1, 0], [0, 1, 0.985]], dtype=float)[:, :, None]
    assert non_monotone(curves).tolist() == [0.5]  # the widest range is 2: turning back by .015 is below .02


def test_the_tidy_table_has_the_rise_beside_the_curve():
    _, predictor, space, photo = of_network()
    effect = px.effects("pdp", predictor, space, photo, features=[1])["pdp"]["superpixel 1"]
    frame = effect.to_frame()
    first = frame[frame.output == "0"]
    assert first["at"].tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert first["rise"].unique() == pytest.approx(first["value"].iloc[-1] - first["value"].iloc[0])
    assert first["rise_stderr"].unique() == pytest.approx(effect.superpixel.stderr[0])
    np.testing.assert_array_equal(effect.importance, np.abs(effect.superpixel.rise))


def test_kept_curves_of_rows_are_spread_over_all_of_them_in_pairs():
    _, predictor, space, photo = of_network()
    found = px.effects([px.Ice(ice_rows=5)], predictor, space, photo, features=[1])["ice"]["superpixel 1"]
    assert found.individual.shape == (5, 6, 2) and found.individual_rows == (0, 1, 18, 19, 38)
