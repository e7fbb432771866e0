"""compare(masks=, truth=) and maps made again: what metrics are given, and what is refused before the model is asked."""

from __future__ import annotations

import numpy as np
import pytest

import perturbxai as px

LABELS = np.repeat(np.repeat(np.arange(16).reshape(4, 4), 3, axis=0), 3, axis=1)
RAMP = np.linspace(-1.0, 1.0, 12)


def light(pictures):
    """Two outputs: light on the left, and light below."""
    pictures = np.asarray(pictures, dtype=np.float64)
    return np.column_stack([pictures[:, :, :6].mean(axis=(1, 2, 3)), pictures[:, 6:].mean(axis=(1, 2, 3))])


def photos(n=2):
    return list(np.random.default_rng(0).uniform(0.2, 1.0, size=(n, 12, 12, 1)).astype(np.float32))


def on_photos(n=2, methods=("kernel_shap", "ice"), budget=60):
    predictor, space = px.Predictor(light), px.ImageSpace(segments=LABELS, fill=0.0)
    return px.explain(list(methods), predictor, space, photos(n), budget=budget), predictor, space


def quadratic(X):
    X = np.asarray(X, dtype=np.float64)
    return X @ RAMP + X[:, 0] * X[:, 1] * X[:, 2]


def on_table(n=3, methods=("kernel_shap", "lime"), budget=60):
    data = np.random.default_rng(0).normal(size=(50, 12)) * np.arange(1, 13)
    predictor, space = px.Predictor(quadratic), px.TabularSpace(data, background=6)
    return px.explain(list(methods), predictor, space, data[:n] + 0.1, budget=budget), predictor, space


class Seen:
    """A metric that keeps what it was given of each map."""

    def __init__(self, *names):
        self.__name__, self.given = "seen", {}
        arguments = ", ".join((*names, "row", "output"))
        scope = {"keep": self.keep}
        exec(f"def seen({arguments}): return keep({', '.join(f'{n}={n}' for n in (*names, 'row', 'output'))})", scope)
        self.measure = scope["seen"]

    def keep(self, row, output, **given):
        self.given[row, output] = given
        return 0.0


# ------------------------------------------------------------------------------------------------ masks

LEFT, BELOW = np.arange(12)[None, :] < np.full((12, 1), 6), np.arange(12)[:, None] >= np.full((1, 12), 6)
TWICE = {"0": LEFT, "1": BELOW}
GIVEN = {  # what is given, and the mask of each picture by output
    "one for all": (LEFT, [{"0": LEFT, "1": LEFT}] * 2),
    "one a picture": ([LEFT, BELOW], [{"0": LEFT, "1": LEFT}, {"0": BELOW, "1": BELOW}]),
    "one a picture, as an array": (np.stack([LEFT, BELOW]), [{"0": LEFT, "1": LEFT}, {"0": BELOW, "1": BELOW}]),
    "by output": (TWICE, [TWICE, TWICE]),
    "by output and picture": ({"0": [LEFT, ~LEFT], "1": BELOW}, [TWICE, {"0": ~LEFT, "1": BELOW}]),
    "by picture and output": ([TWICE, {"0": BELOW, "1": LEFT}], [TWICE, {"0": BELOW, "1": LEFT}]),
    "as numbers": (LEFT.astype(int), [{"0": LEFT, "1": LEFT}] * 2),
    "as lists": (LEFT.tolist(), [{"0": LEFT, "1": LEFT}] * 2),
}  # fmt: skip


@pytest.mark.parametrize("how", GIVEN)
def test_a_metric_gets_the_mask_of_its_picture_and_output(how):
    results, predictor, space = on_photos(methods=["kernel_shap"])
    masks, expected = GIVEN[how]
    seen = Seen("inside", "heat", "labels")
    px.compare(results, predictor, space, metrics=seen.measure, masks=masks)
    assert set(seen.given) == {(number, output) for number in (0, 1) for output in "01"}
    for (number, output), given in seen.given.items():
        np.testing.assert_array_equal(given["inside"], expected[number][output])
        values = results["kernel_shap"][number].values[:, int(output)]
        np.testing.assert_allclose(given["heat"], values[LABELS] / 9)  # spread evenly over nine pixels


def test_of_outputs_without_a_mask_nothing_is_said():
    results, predictor, space = on_photos()
    seen = Seen("inside")
    compared = px.compare(results, predictor, space, metrics=seen.measure, masks={"1": BELOW})
    assert set(compared.scores.output) == {"1"} and len(compared.scores) == 4


WRONG_MASKS = {
    "another shape": (np.ones((3, 4)), ValueError, r"masks of picture 0 has shape \(3, 4\); expected \(12, 12\)"),
    "an empty one": (np.zeros((12, 12)), ValueError, "masks of picture 0 is empty, where nothing can miss it"),
    "the whole picture": (np.ones((12, 12)), ValueError, "masks of picture 0 is the whole picture"),
    "of three pictures": ([LEFT] * 3, ValueError, "masks holds 3 for 2 pictures"),
    "of an unknown output": ({"cat": LEFT}, ValueError, r"masks names the outputs \['cat'\]; the results have 0, 1"),
    "grey values": (RAMP * np.ones((12, 1)), TypeError, "expected truth values"),
    "a line": (np.ones(12), ValueError, r"masks has shape \(12,\)"),
    "a word": ("left", ValueError, "masks has shape"),
}


@pytest.mark.parametrize("kind", WRONG_MASKS)
def test_masks_that_do_not_fit_are_refused_before_the_model_is_asked(kind):
    results, predictor, space = on_photos()
    masks, error, words = WRONG_MASKS[kind]
    before = predictor.rows
    with pytest.raises(error, match=words):
        px.compare(results, predictor, space, metrics="srg", masks=masks)
    assert predictor.rows == before


def test_a_region_that_a_metric_refuses_is_refused_before_the_model_is_asked():
    results, predictor, space = on_photos()
    before = predictor.rows
    odd = LEFT & (RAMP[:, None] < 0.3)
    with pytest.raises(ValueError, match="inside is no cell of a regular mosaic"):
        px.compare(results, predictor, space, metrics=["srg", "grid_pg"], masks=odd)
    assert predictor.rows == before


def test_what_masks_cover_is_told_beside_scores_of_place():
    results, predictor, space = on_photos()
    compared = px.compare(results, predictor, space, metrics="energy_pointing_game", masks=[LEFT, LEFT & BELOW])
    assert compared.call["masks_cover"] == 0.375  # a half and a quarter
    assert "Masks cover 38 % of a picture on average" in compared.describe()


# ------------------------------------------------------------------------------------------------ truth


def test_truth_is_one_of_the_results_or_another_of_the_same_inputs():
    results, predictor, space = on_table()
    truth = px.explain("exact_shap", predictor, space, space.columns.decode(np.array([e.input for e in results["lime"]])))
    for given, named in (("kernel_shap", results), (truth["exact_shap"], truth)):
        seen = Seen("truth", "values")
        px.compare(results, predictor, space, metrics=seen.measure, truth=given)
        right = named[given if isinstance(given, str) else "exact_shap"]
        for (row, _), kept in seen.given.items():
            np.testing.assert_array_equal(kept["truth"], right[row].values[:, 0])


def test_what_is_the_truth_has_no_error_and_is_not_ranked_by_it():
    results, predictor, space = on_table(methods=("kernel_shap", "permutation_shap"))
    for truth in ("kernel_shap", results["kernel_shap"]):
        compared = px.compare(results, predictor, space, metrics=["error", "gini"], truth=truth, seeds=2)
        errors = compared.scores[compared.scores.metric == "error"]
        assert set(errors.method) == {"permutation_shap"} and len(errors) == 6  # three rows, two seeds
        assert set(compared.scores[compared.scores.metric == "gini"].method) == set(results)
        assert "kernel_shap scores best" not in compared.describe()
    twice = px.compare(results | {"again": results["kernel_shap"]}, predictor, space, metrics="error", truth="again")
    assert set(twice.scores.method) == {"permutation_shap"}


def test_truth_that_does_not_fit_is_refused():
    results, predictor, space = on_table()
    other, *_ = on_table(n=2)
    blind = px.baselines("random", predictor, space, space.columns.decode(np.array([e.input for e in results["lime"]])))
    for given, truth, words in (
        (results | blind, "random", "truth is the control random, which looks at no model"),
        (results, blind["random"], "truth is the control random"),
        ({"lime": results["lime"]}, "lime", "truth is all that is compared, and has no error of its own"),
    ):
        with pytest.raises(ValueError, match=words):
            px.compare(given, predictor, space, metrics="error", truth=truth)
    wrong = {"glass_box": (ValueError, "truth='glass_box' is none of the results: kernel_shap, lime")}
    for truth, (error, words) in wrong.items():
        with pytest.raises(error, match=words):
            px.compare(results, predictor, space, truth=truth)
    with pytest.raises(ValueError, match="truth has other inputs or players"):
        px.compare(results, predictor, space, truth=other["lime"])
    with pytest.raises(TypeError, match="truth is dict; expected the name of a result, or an Attribution"):
        px.compare(results, predictor, space, truth=other)


# ------------------------------------------------------------------------------------------------ made again


def test_neighbours_of_a_row_are_explained_as_the_row_was():
    results, predictor, space = on_table(methods=["ice"])
    seen = Seen("neighbours", "steps", "values")
    px.compare(results, predictor, space, metrics=seen.measure)
    deviation = space.codes.std(axis=0)
    for given in seen.given.values():
        assert given["neighbours"].shape == (10, 12) and given["steps"].shape == (10,)
        assert (given["steps"] > 0).all() and (given["steps"] <= 0.1).all()
        # the model's slope along a column that is in no product is its weight: values move by weight x step
        moved = (given["neighbours"] - given["values"])[:, 5:] / (RAMP * deviation)[5:]
        assert np.abs(moved).max() <= 0.1 + 1e-9 and np.abs(moved).max() > 0.05


def test_neighbours_of_a_photo_keep_its_cut_and_its_range():
    results, predictor, space = on_photos()
    seen = Seen("neighbours", "steps", "values")
    px.compare(results, predictor, space, metrics=seen.measure)
    for (number, _), given in seen.given.items():
        assert given["neighbours"].shape == (10, 16)
        assert (given["steps"] <= 0.02 + 1e-6).all() and (given["steps"] > 0).all()
        reach = np.ptp(photos()[number]) * 0.02 * 9 / 72  # of a superpixel in the mean over half the picture
        assert np.abs(given["neighbours"] - given["values"]).max() <= reach + 1e-9


def test_a_row_of_words_has_neighbours_that_are_itself():
    import pandas as pd

    data = pd.DataFrame({c: list("abcd") * 5 for c in "uvwxyz"}, dtype="category")
    model = px.Predictor(lambda frame: np.column_stack([(frame[c] == "a").astype(float) for c in frame]).sum(axis=1))
    results = px.explain("lime", model, data, data.iloc[:2])
    seen = Seen("neighbours", "steps", "values")
    px.compare(results, model, data, metrics=seen.measure)
    for given in seen.given.values():
        assert (given["steps"] == 0).all()
        np.testing.assert_allclose(given["neighbours"], np.tile(given["values"], (10, 1)), atol=1e-12)


def test_whole_numbers_stay_whole_and_missing_values_missing_near_a_row():
    import pandas as pd

    rng = np.random.default_rng(0)
    data = pd.DataFrame(
        {"n": rng.integers(0, 100, 40), "x": rng.normal(size=40), "gone": np.where(np.arange(40) % 2, np.nan, 1.0)}
    )
    asked = []

    def model(frame):
        asked.append(frame.copy())
        return frame.n + frame.x + frame.gone.isna()

    predictor = px.Predictor(model)
    results = px.explain("lime", predictor, data, data.iloc[:2])
    asked.clear()
    px.compare(results, predictor, data, metrics=Seen("neighbours").measure)
    rows = pd.concat(asked)
    assert rows.n.dtype.kind == "i" and set(rows.gone.dropna()) == {1.0} and rows.gone.isna().any()


def test_maps_under_other_seeds_reach_a_metric_and_what_draws_nothing_is_the_same():
    results, predictor, space = on_photos()
    seen = {}

    def stability(reseeded, values, row, output):
        seen.setdefault((row, output), []).append(reseeded)
        return float(np.abs(reseeded - values).max())

    compared = px.compare(results, predictor, space, metrics=stability, seeds=3)
    scores = compared.scores.groupby("method").value
    assert scores.max()["ice"] == 0.0 and len(compared.scores) == 2 * 2 * 2  # not once a seed
    assert {one.shape for given in seen.values() for one in given} == {(3, 16), (2, 16)}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("inside",), "seen takes inside, where the evidence lies; say it in masks="),
        (("truth",), "seen takes truth, values that are known to be right; give them as truth="),
        (("reseeded",), "seen takes reseeded, maps under several seeds; ask for them by seeds=5"),
        (("randomised",), "seen takes randomised, maps of networks drawn anew, but the model is no torch.nn.Module"),
        (("smoothed",), "seen takes smoothed, maps of networks drawn anew, but the model is no torch.nn.Module"),
    ],
)
def test_a_metric_of_what_is_not_there_is_refused_before_the_model_is_asked(names, words):
    results, predictor, space = on_photos()
    before = predictor.rows
    with pytest.raises(ValueError, match=words):
        px.compare(results, predictor, space, metrics=Seen(*names).measure)
    assert predictor.rows == before


@pytest.mark.parametrize("name", ["heat", "labels", "inside", "road_most"])
def test_a_metric_of_pictures_is_refused_on_tables(name):
    results, predictor, space = on_table()
    with pytest.raises(ValueError, match=f"seen takes {name}, which pictures alone have"):
        px.compare(results, predictor, space, metrics=Seen(name).measure)


def test_a_failure_while_maps_are_made_again_keeps_the_comparison():
    results, predictor, space = on_table()
    model, rows = predictor._model.model, [0]

    def fails(X):
        rows[0] += len(X)
        if rows[0] > 500:
            raise RuntimeError("worn out")
        return model(X)

    with pytest.raises(RuntimeError, match="worn out") as caught:
        px.compare(results, px.Predictor(fails), space, metrics=[Seen("neighbours").measure, "spearman"])
    assert list(caught.value.partial.agreement.metric) == ["spearman"] * 3


def test_a_failure_under_a_later_seed_keeps_what_came_before_it():
    results, predictor, space = on_table()
    model, rows, of_a_seed = predictor._model.model, [0], predictor.rows

    def fails(X):
        rows[0] += len(X)
        if rows[0] > 1.5 * of_a_seed:
            raise RuntimeError("worn out")
        return model(X)

    whole = px.compare(results, predictor, space, metrics="srg", seeds=3).reseeded
    with pytest.raises(RuntimeError, match="worn out") as caught:
        px.compare(results, px.Predictor(fails), space, metrics="srg", seeds=3)
    kept = caught.value.partial.reseeded
    assert {name: len(found) for name, found in kept.items()} == {"kernel_shap": 1, "lime": 1}
    for name, (one,) in kept.items():
        np.testing.assert_array_equal(one.values, whole[name][0].values)


def test_masks_and_truth_that_no_metric_takes_are_refused():
    results, predictor, space = on_photos()
    before = predictor.rows
    with pytest.raises(ValueError, match="masks is given, but no metric takes it; name metrics="):
        px.compare(results, predictor, space, masks=LEFT)
    with pytest.raises(ValueError, match="truth is given, but no metric takes it; name metrics="):
        px.compare(results, predictor, space, metrics="srg", truth="ice")
    assert predictor.rows == before


def test_words_praise_nobody_for_steadiness_alone():
    results, predictor, space = on_table()
    told = px.compare(results, predictor, space, metrics=["max_sensitivity", "lipschitz"]).describe()
    assert "best" not in told
    assert "scores best" in px.compare(results, predictor, space, metrics=["max_sensitivity", "srg"]).describe()


@pytest.mark.parametrize("metric", ["road", "max_sensitivity"])
def test_a_model_of_bytes_is_shown_bytes_where_pictures_are_moved_or_painted_over(metric):
    kinds = set()

    def mean(pictures):
        kinds.add(str(pictures.dtype))
        return pictures[:, :6].mean(axis=(1, 2, 3)).astype(float)

    predictor, space = px.Predictor(mean, pixels="uint8"), px.ImageSpace(segments=LABELS, fill=0)
    photo = np.random.default_rng(0).integers(0, 255, (12, 12, 3)).astype(np.uint8)
    results = px.explain("kernel_shap", predictor, space, photo, budget=60)
    compared = px.compare(results, predictor, space, metrics=metric)
    assert kinds == {"uint8"} and np.isfinite(compared.scores.value).all()


def test_what_is_like_maps_of_networks_drawn_anew_asks_no_other_maps_of_them():
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    predictor, space = px.Predictor(net), px.ImageSpace(segments=LABELS, fill=0.0)
    results = px.baselines("gradient", predictor, space, photos(1), outputs=[0])
    rows = [
        px.compare(results, predictor, space, metrics=names).call["rows_of_redrawn"]
        for names in (["emprt"], ["smprt"], ["emprt", "smprt"])
    ]
    assert rows[0] + rows[1] == rows[2] and rows[0] > 0
