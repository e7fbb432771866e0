"""Our results in shap's own plots, and results of shap and lime in our comparisons."""

from __future__ import annotations

import builtins
import warnings

import numpy as np
import pandas as pd
import pytest
from costs import own_rows

import perturbxai as px

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "age": RNG.integers(20, 60, 80), "income": RNG.normal(2.0, 1.0, 80),
        "town": pd.Categorical(RNG.choice(["Ulm", "Bern", "Graz"], 80)), "since": pd.date_range("2020-01-01", periods=80),
    }
)  # fmt: skip
X = RNG.normal(size=(60, 4))
CLASSES = ("cat", "dog", "owl")


def three_classes(frame):
    score = np.column_stack([frame["age"] / 20.0, frame["income"] * (frame["town"] == "Ulm"), frame["income"] ** 2])
    return np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)


def bent(rows):
    rows = np.asarray(rows, dtype=np.float64)
    return np.column_stack([rows[:, 0] * rows[:, 1] + rows[:, 2], rows[:, 3] ** 2 - rows[:, 0]])


SPACE = px.TabularSpace(FRAME, background=20)
PLAIN = px.TabularSpace(X, background=20)


@pytest.fixture(scope="module")
def shap():
    """The package, and its plots on a canvas that nobody sees. What it warns of itself is not our affair."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import matplotlib

        matplotlib.use("Agg")
        found = pytest.importorskip("shap")
        state = np.random.get_state()  # noqa: NPY002 - beeswarm and heatmap draw from it
        yield found
        np.random.set_state(state)  # noqa: NPY002


@pytest.fixture(scope="module")
def classes():
    predictor = px.Predictor(three_classes, outputs=CLASSES)
    return px.explain(["kernel_shap", "lime"], predictor, SPACE, FRAME.iloc[:12], budget=16)


@pytest.fixture(scope="module")
def numbers():
    return px.explain("kernel_shap", px.Predictor(bent), PLAIN, X[:9], outputs=[0], budget=16)["kernel_shap"]


# ------------------------------------------------------------------------------------------------ to shap


def test_one_output_has_no_axis_for_it(numbers):
    found = px.to_shap(numbers)
    np.testing.assert_array_equal(found.values, numbers.values[..., 0])
    np.testing.assert_array_equal(found.base_values, numbers.base[:, 0])
    np.testing.assert_array_equal(found.data, X[:9])
    assert list(found.feature_names) == ["x0", "x1", "x2", "x3"] and found.display_data is None
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base_values, numbers.prediction[:, 0])


def test_errors_are_kept_where_they_are_known(numbers):
    found = px.to_shap(numbers)
    np.testing.assert_array_equal(found.error_std, numbers.stderr[..., 0])
    np.testing.assert_array_equal(found.lower_bounds, numbers.interval()[0][..., 0])
    unknown = px.reference("shap.kernel", px.Predictor(bent), PLAIN, X[:2], outputs=[0], budget=12)["shap.kernel"]
    assert px.to_shap(unknown).error_std is None and px.to_shap(unknown).lower_bounds is None


def test_several_outputs_are_cut_by_name(classes):
    result = classes["kernel_shap"]
    found = px.to_shap(result)
    assert found.shape == (12, 4, 3) and list(found.output_names) == list(CLASSES)
    for k, name in enumerate(CLASSES):
        for one in (found[:, :, name], px.to_shap(result, name), px.to_shap(result, k)):
            np.testing.assert_array_equal(one.values, result.values[..., k])
            np.testing.assert_array_equal(one.base_values, result.base[:, k])


def test_categories_and_dates_are_shown_as_such_with_their_space(classes):
    found = px.to_shap(classes["kernel_shap"], "cat", space=SPACE)
    assert found.display_data[0].tolist() == [FRAME["age"][0], FRAME["income"][0], FRAME["town"][0], FRAME["since"][0]]
    np.testing.assert_array_equal(found.data[:, :2], FRAME.iloc[:12, :2])
    assert found.data.dtype == np.float64
    assert px.to_shap(classes["kernel_shap"], "cat").display_data is None


def test_groups_of_columns_show_how_many_they_hold():
    space = px.TabularSpace(X, background=10, groups={"pair": ["x0", "x2"]})
    result = px.explain("kernel_shap", px.Predictor(bent), space, X[:3], outputs=[0])["kernel_shap"]
    found = px.to_shap(result, space=space)
    assert found.display_data[0].tolist() == ["2 columns", X[0, 1], X[0, 3]] and np.isnan(found.data[:, 0]).all()
    assert px.to_shap(result).data is None


def test_a_single_row_has_no_axis_for_rows(classes):
    found = px.to_shap(classes["lime"][3], space=SPACE)
    np.testing.assert_array_equal(found.values, classes["lime"][3].values)
    assert found.shape == (4, 3) and found.base_values.shape == (3,)
    assert px.to_shap(classes["lime"][3], "dog").shape == (4,)


def draw(shap, plot, explanation, **options):
    """Draw without showing; returns the words on the canvas."""
    from matplotlib import pyplot as plt

    plt.close("all")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(shap|matplotlib|seaborn)")
        warnings.filterwarnings("ignore", message=".*NumPy global RNG", category=FutureWarning)  # shap of itself
        getattr(shap.plots, plot)(explanation, show=False, **options)
        figure = plt.gcf()
        figure.canvas.draw()
    words = [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]
    assert figure.axes
    plt.close("all")
    return " ".join(words)


@pytest.mark.parametrize("method", ["kernel_shap", "lime"])
@pytest.mark.parametrize("with_space", [False, True])
@pytest.mark.parametrize("plot", ["waterfall", "bar", "beeswarm", "heatmap", "violin", "decision", "scatter"])
def test_every_plot_of_shap_draws_a_class_of_ours(shap, classes, plot, with_space, method):
    found = px.to_shap(classes[method], space=SPACE if with_space else None)[:, :, "dog"]
    if plot == "decision":
        from matplotlib import pyplot as plt

        shap.plots.decision(found.base_values[0], found.values, feature_names=list(found.feature_names), show=False)
        assert plt.gcf().axes
        plt.close("all")
        return
    explanation = {"waterfall": lambda: found[0], "scatter": lambda: found[:, "income"]}.get(plot, lambda: found)()
    words = draw(shap, plot, explanation)
    assert "income" in words
    if plot == "waterfall" and with_space:
        assert FRAME["town"][0] in words


@pytest.mark.parametrize("plot", ["waterfall", "bar", "beeswarm", "heatmap", "scatter"])
def test_every_plot_of_shap_draws_one_output_of_ours(shap, numbers, plot):
    found = px.to_shap(numbers)
    explanation = {"waterfall": lambda: found[0], "scatter": lambda: found[:, "x1"]}.get(plot, lambda: found)()
    assert "x1" in draw(shap, plot, explanation)


def test_scatter_draws_categories_and_all_columns(shap, classes):
    found = px.to_shap(classes["kernel_shap"], "cat", space=SPACE)
    assert "Ulm" in draw(shap, "scatter", found[:, "town"])
    draw(shap, "scatter", px.to_shap(classes["kernel_shap"], "cat"))
    assert "age" in draw(shap, "scatter", found[:, "age"], color=found[:, "income"])


def test_plots_draw_errors_that_are_infinite(shap):
    result = px.reference("shap.permutation", px.Predictor(bent), PLAIN, X[:5], budget=9)["shap.permutation"]
    for plot in ("bar", "beeswarm"):
        draw(shap, plot, px.to_shap(result, 1))


def test_plots_draw_superpixels(shap):
    picture = RNG.random((12, 12, 3)).astype(np.float32)
    space = px.ImageSpace(segments="grid", n_segments=9, fill=0.0)
    model = px.Predictor(lambda p: p[:, :6].mean((1, 2, 3)) * p[:, 2:].mean((1, 2, 3)))
    result = px.explain("kernel_shap", model, space, [picture, picture[::-1]])["kernel_shap"]
    found = px.to_shap(result)
    assert found.data is None
    assert "superpixel 4" in draw(shap, "waterfall", found[0], max_display=20)
    for plot in ("bar", "heatmap"):
        draw(shap, plot, found)
    draw(shap, "waterfall", px.to_shap(result[1]))


def test_what_is_no_result_or_output_is_refused(numbers, classes):
    with pytest.raises(TypeError, match=r"result is dict; expected an Attribution \(explain\(...\)\[name\]\)"):
        px.to_shap(classes)
    with pytest.raises(ValueError, match=r"output='cow' is none of the result's outputs \('cat', 'dog', 'owl'\)"):
        px.to_shap(classes["lime"], "cow")
    with pytest.raises(ValueError, match="output=3 is none"):
        px.to_shap(classes["lime"], 3)
    with pytest.raises(TypeError, match="space is DataFrame"):
        px.to_shap(classes["lime"], space=FRAME)
    with pytest.raises(ValueError, match=r"space has the players \('age'.*pass the space of the result"):
        px.to_shap(numbers, space=SPACE)


def test_pictures_with_different_players_are_taken_one_by_one():
    pictures = [RNG.random((8, 8, 3)), RNG.random((8, 12, 3))]
    space = px.ImageSpace(segments=lambda p: np.arange(p.shape[0] * p.shape[1]).reshape(p.shape[:2]) // 16, fill=0.0)
    result = px.explain("lime", px.Predictor(lambda p: p.mean((1, 2, 3))), space, pictures)["lime"]
    assert len({len(e.names) for e in result}) == 2
    with pytest.raises(ValueError, match=r"different players .* one by one: to_shap\(result\[i\]\)"):
        px.to_shap(result)
    assert px.to_shap(result[1]).shape == (len(result[1].names),)


def test_without_shap_the_line_that_installs_it_is_named(numbers, monkeypatch):
    real = builtins.__import__

    def without(what, *given, **named):
        if what == "shap":
            raise ImportError(what)
        return real(what, *given, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"shap is not installed.*pip install"):
        px.to_shap(numbers)


# ------------------------------------------------------------------------------------------------ from shap


def brought(values, *, x=None, outputs=None, **named):
    shap = pytest.importorskip("shap")
    given = shap.Explanation(np.asarray(values), **named)
    return px.from_shap(given, px.Predictor(bent), PLAIN, X[:9] if x is None else x, outputs=outputs)


def test_there_and_back_is_the_same(numbers, classes):
    again = px.from_shap(px.to_shap(numbers), px.Predictor(bent), PLAIN, X[:9], outputs=[0])
    np.testing.assert_array_equal(again.values, numbers.values)
    np.testing.assert_allclose(again.base, numbers.base)
    np.testing.assert_allclose(again.meta["peer_base"], numbers.base[0])
    predictor = px.Predictor(three_classes, outputs=CLASSES)
    again = px.from_shap(px.to_shap(classes["lime"]), predictor, SPACE, FRAME.iloc[:12])
    np.testing.assert_array_equal(again.values, classes["lime"].values)
    assert again.outputs == CLASSES and [e.label for e in again] == list(range(12))
    assert own_rows(again) == 0 and np.isinf(again.stderr).all()


def test_what_shap_s_user_computed_is_compared_beside_ours(shap, numbers):
    def first(rows):
        return bent(rows)[:, 0]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = shap.explainers.Exact(first, shap.maskers.Independent(PLAIN.background))(X[:9])
    found = px.from_shap(theirs, px.Predictor(bent), PLAIN, X[:9], outputs=[0])
    np.testing.assert_allclose(found.values, numbers.values, atol=1e-9)
    scored = px.compare({"ours": numbers, "theirs": found}, px.Predictor(bent), PLAIN).summary()
    np.testing.assert_allclose(scored.srg["ours"], scored.srg["theirs"])


def test_a_single_input_may_come_without_its_axis(numbers):
    for output in (None, 0):
        found = px.from_shap(px.to_shap(numbers[2], output), px.Predictor(bent), PLAIN, X[2], outputs=[0])
        np.testing.assert_array_equal(found.values[0], numbers[2].values)


def test_features_are_put_in_our_order_by_name(numbers):
    values = numbers.values[..., 0]
    found = brought(values[:, ::-1], feature_names=["x3", "x2", "x1", "x0"], data=X[:9, ::-1], outputs=[0])
    np.testing.assert_array_equal(found.values[..., 0], values)


def test_maps_of_pixels_are_summed_over_superpixels():
    pictures = RNG.random((2, 6, 6, 3)).astype(np.float32)
    space = px.ImageSpace(segments="grid", n_segments=9, fill=0.0)
    shap = pytest.importorskip("shap")
    model = px.Predictor(lambda p: np.column_stack([p.mean((1, 2, 3)), p[:, :3].mean((1, 2, 3))]))
    pixels = RNG.random((2, 6, 6, 3, 2))
    found = px.from_shap(shap.Explanation(pixels), model, space, pictures)
    assert found.values.shape == (2, 9, 2)
    np.testing.assert_allclose(found.values[1, 0], pixels[1, :2, :2].sum((0, 1, 2)))
    np.testing.assert_allclose(found.values.sum(axis=1), pixels.sum((1, 2, 3)))


def test_explanations_that_do_not_fit_are_refused(numbers):
    values = numbers.values[..., 0]
    for given, named, match in (
        (values[:8], {}, r"values of shape \(8, 4\); expected \(9, 4\)"),
        (values[:, :3], {}, r"values of shape \(9, 3\); expected \(9, 4\)"),
        (values, {"feature_names": ["a", "b", "c", "d"]}, r"names the features \['a', .* which space does not have"),
        (values, {"data": X[9:18]}, r"explanation is of other data than x: row 0 differs"),
        (np.where(values > 0, np.nan, values), {}, "values that are not finite"),
    ):
        with pytest.raises(ValueError, match=match):
            brought(given, outputs=[0], **named)
    with pytest.raises(ValueError, match=r"explanation is of \[1\] outputs, but 2 of the model are asked for.*outputs="):
        brought(values)
    with pytest.raises(TypeError, match=r"explanation is ndarray; expected a shap.Explanation"):
        px.from_shap(values, px.Predictor(bent), PLAIN, X[:9])
    with pytest.raises(TypeError, match="predictor is str; expected the model"):
        px.from_shap(px.to_shap(numbers), "bent", PLAIN, X[:9])


# ------------------------------------------------------------------------------------------------ from lime


def explained_by_lime(rows, **named):
    tabular = pytest.importorskip("lime.lime_tabular")
    explainer = tabular.LimeTabularExplainer(X, mode=named.pop("mode", "classification"), random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [explainer.explain_instance(row, named.get("model", bent), **named.get("call", {})) for row in rows]


def test_lime_s_weights_come_in_by_column_and_label():
    hands = explained_by_lime(X[:3], call={"labels": (0, 1), "num_samples": 200, "num_features": 2})
    found = px.from_lime(hands, px.Predictor(bent), PLAIN, X[:3])
    for hand, own in zip(hands, found, strict=True):
        for k in (0, 1):
            assert {j: v for j, v in enumerate(own.values[:, k]) if v} == dict(hand.local_exp[k])
    only = px.from_lime(hands, px.Predictor(bent), PLAIN, X[:3], outputs=[1])
    np.testing.assert_array_equal(only.values[..., 0], found.values[..., 1])
    ours = px.explain("lime", px.Predictor(bent), PLAIN, X[:3])
    assert list(px.compare(ours | {"theirs": found}, px.Predictor(bent), PLAIN).summary().index) == ["lime", "theirs"]


def test_a_regression_s_sign_is_that_of_its_label_one():
    def first(rows):
        return bent(rows)[:, 0]

    (hand,) = explained_by_lime(X[:1], mode="regression", model=first, call={"num_samples": 100})
    found = px.from_lime(hand, px.Predictor(first), PLAIN, X[0])
    assert dict(enumerate(found.values[0, :, 0])) == dict(hand.local_exp[1])
    with pytest.raises(ValueError, match="of a regression, one output, but outputs are 2"):
        px.from_lime(hand, px.Predictor(bent), PLAIN, X[0])


def explained_picture(labels):
    image = pytest.importorskip("lime.lime_image")
    picture = np.random.default_rng(2).random((12, 12, 3)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return picture, image.LimeImageExplainer(random_state=0).explain_instance(
            picture, dim, labels=(0,), top_labels=None, hide_color=0, num_samples=300, segmentation_fn=lambda _: labels
        )


def dim(pictures):
    return np.asarray(pictures, dtype=np.float64)[:, :4, :8].mean((1, 2, 3))[:, None]


@pytest.mark.parametrize("per_side", [2, 3, 6, 12])
def test_lime_s_superpixels_have_to_be_those_of_the_space_neither_finer_nor_coarser(per_side):
    at = np.arange(12) * per_side // 12
    picture, hand = explained_picture(at[:, None] * per_side + at[None])
    space = px.ImageSpace(segments=np.arange(12)[:, None] // 3 * 4 + np.arange(12)[None] // 3, fill=0.0)  # 4 x 4 cells
    with pytest.raises(ValueError, match="other segments than space; build the space with segments="):
        px.from_lime(hand, px.Predictor(dim), space, picture)


def test_lime_s_superpixels_are_matched_by_where_they_are(capsys):
    labels = np.arange(12)[:, None] // 4 * 3 + np.arange(12)[None] // 4
    turned = 8 - labels  # the same cut, numbered from the other end
    picture, hand = explained_picture(turned)
    found = px.from_lime(hand, px.Predictor(dim), px.ImageSpace(segments=labels, fill=0.0), picture)
    weights = dict(hand.local_exp[0])
    np.testing.assert_array_equal(found.values[0, :, 0], [weights[8 - p] for p in range(9)])
    assert set(np.argsort(-found.values[0, :, 0])[:2]) == {0, 1}  # the bright corner is where the model looks
    other = px.ImageSpace(segments="grid", n_segments=4, fill=0.0)
    with pytest.raises(ValueError, match="other segments than space; build the space with segments="):
        px.from_lime(hand, px.Predictor(dim), other, picture)
    picture, hand = explained_picture(labels + 1)
    with pytest.raises(ValueError, match=r"segments numbered 1..9: lime takes 0..8 for granted"):
        px.from_lime(hand, px.Predictor(dim), px.ImageSpace(segments=labels, fill=0.0), picture)
    capsys.readouterr()  # lime's own bar


def test_explanations_of_lime_that_do_not_fit_are_refused():
    hands = explained_by_lime(X[:2], call={"num_samples": 60})
    with pytest.raises(ValueError, match=r"lack the labels \[0\]; they have \[1\]. Explain with labels=\[0, 1\]"):
        px.from_lime(hands, px.Predictor(bent), PLAIN, X[:2])
    with pytest.raises(ValueError, match="explanations are 2, but x has 3 inputs"):
        px.from_lime(hands, px.Predictor(bent), PLAIN, X[:3], outputs=[1])
    with pytest.raises(ValueError, match="over 4 features, but space has 3 players"):
        px.from_lime(hands, px.Predictor(bent), px.TabularSpace(X[:, :3]), X[:2, :3], outputs=[1])
    with pytest.raises(ValueError, match="space has groups of columns"):
        px.from_lime(hands, px.Predictor(bent), px.TabularSpace(X, groups={"a": ["x0", "x1"]}), X[:2], outputs=[1])
    with pytest.raises(TypeError, match="explanations holds a int"):
        px.from_lime(3, px.Predictor(bent), PLAIN, X[0])
    picture_space = px.ImageSpace(segments="grid", n_segments=4, fill=0.0)
    with pytest.raises(TypeError, match="explanations are of a table, but space is of pictures"):
        px.from_lime(hands[0], px.Predictor(dim), picture_space, np.zeros((8, 8, 3)) + 1.0)
