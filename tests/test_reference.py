"""lime and shap through the same Predictor: what they say, what they cost, and what they leave untouched."""

from __future__ import annotations

import warnings

import games
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

import perturbxai as px

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
PEERS = [
    "lime.tabular", "shap.kernel", "shap.permutation", "shap.exact", "shap.partition", "shap.sampling", "shap.tree",
]  # fmt: skip


@pytest.fixture(scope="module")
def table():
    """(trees, space, rows): values that float32 represents, as the trees compare in it."""
    X = np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32).astype(np.float64)
    trees = GradientBoostingRegressor(n_estimators=20, random_state=0).fit(X, X[:, 0] * X[:, 1] + np.sin(X[:, 2]) + X[:, 3])
    return trees, px.TabularSpace(X, background=20), X[:3]


@pytest.fixture(autouse=True)
def _peers_there():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("lime")
        pytest.importorskip("shap")


def asked(name, table, **options):
    predictor = px.Predictor(table[0])
    (found,) = px.reference(name, predictor, *table[1:], **options).values()
    return found, predictor


@pytest.mark.parametrize(("name", "tolerance"), [("shap.exact", 1e-9), ("shap.kernel", 1e-8), ("shap.tree", 1e-6)])
def test_peers_that_list_everything_agree_with_our_listed_values(name, tolerance, table):
    ours = px.explain("kernel_shap", px.Predictor(table[0]), *table[1:])["kernel_shap"]
    found = asked(name, table, budget=64)[0]
    np.testing.assert_allclose(found.values, ours.values, atol=tolerance)  # TreeExplainer sums in float32
    np.testing.assert_allclose(found.base, ours.base, atol=1e-9)
    np.testing.assert_allclose(found.prediction, ours.prediction, atol=1e-9)


def test_the_permutation_explainer_is_near_the_exact_values(table):
    ours = px.explain("kernel_shap", px.Predictor(table[0]), *table[1:])["kernel_shap"]
    assert games.squared_error(asked("shap.permutation", table, budget=600)[0].values, ours.values) < 1e-3


def test_lime_tabular_is_what_a_call_of_lime_by_hand_gives(table):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lime.lime_tabular import LimeTabularExplainer

        trees, space, rows = table
        found = asked("lime.tabular", table, budget=300, seed=5)[0]
        estimates = []
        for seed in range(30):
            explainer = LimeTabularExplainer(space.codes, mode="regression", random_state=seed, feature_selection="none")
            by_hand = explainer.explain_instance(rows[0], trees.predict, num_features=6, num_samples=300).local_exp[1]
            estimates.append([value for _, value in sorted(by_hand)])
    spread = np.std(estimates, axis=0)
    assert (np.abs(found.values[0, :, 0] - np.mean(estimates, axis=0)) < 5.0 * spread).all()


@pytest.mark.parametrize("name", PEERS)
def test_one_seed_gives_the_same_bits_and_the_global_state_is_as_it_was(name, table):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (asked(name, table, budget=64, seed=3)[0] for _ in range(2))
    assert (first.values == second.values).all()
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.mark.parametrize("name", ["lime.tabular", "shap.kernel", "shap.permutation"])
def test_the_global_state_is_restored_after_a_model_that_fails(name, table):
    calls = []

    def failing(rows):
        calls.append(len(rows))
        if len(calls) > 2:
            raise RuntimeError("out of order")
        return rows[:, 0]

    before = np.random.get_state()[1].copy()  # noqa: NPY002
    with pytest.raises(RuntimeError, match="out of order"):
        px.reference(name, px.Predictor(failing, batch_size=50), *table[1:], budget=64)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.mark.parametrize("name", PEERS)
def test_rows_are_counted_outside_the_peer(name, table):
    found, predictor = asked(name, table, budget=64)
    assert found.meta["call_rows"] == predictor.rows
    assert 0 < predictor.rows - found.meta["rows"] <= 23  # the ends of the game: its background and the three rows


@pytest.mark.parametrize("name", ["lime.tabular", "shap.permutation", "shap.partition", "shap.sampling"])
def test_peers_that_know_no_error_claim_none(name, table):
    assert np.isinf(asked(name, table, budget=64)[0].stderr).all()


def test_the_image_explainer_hides_our_superpixels_behind_our_fill():
    game = games.network_game(0)
    space = px.ImageSpace(segments=game.extras["labels"] + 3, fill=game.extras["fill"])
    predictor, picture = px.Predictor(game.extras["net"], batch_size=512), game.extras["picture"]
    found = px.reference("lime.image", predictor, space, picture, budget=1000)["lime.image"]
    # lime's noise at 1,000 draws and its ridge
    assert games.squared_error(found.values[0], game.lime(0.25)) < 0.05
    kernel = px.reference("shap.kernel", predictor, space, picture, budget=1024)["shap.kernel"]
    np.testing.assert_allclose(kernel.values[0], game.shapley, atol=1e-6)


def test_references_stand_beside_our_methods_in_compare_and_report(table, tmp_path):
    predictor = px.Predictor(table[0])
    found = px.explain(["lime", "kernel_shap"], predictor, *table[1:])
    found |= px.reference("shap.exact", predictor, *table[1:])
    found |= px.reference("lime.tabular", predictor, *table[1:], budget=200)
    compared = px.compare(found, predictor, table[1])
    scores = compared.summary().faithfulness
    assert scores["shap.exact"] == pytest.approx(scores["kernel_shap"], abs=1e-9)
    px.report(compared, tmp_path)
    assert (tmp_path / "manifest.json").is_file()


def test_frames_with_categories_reach_the_peers_as_numbers_and_the_model_as_they_were():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=80), "c": pd.Categorical(rng.choice(["x", "y"], 80))})
    space = px.TabularSpace(frame, background=10)
    seen = []

    def model(rows):
        seen.append(rows.dtypes.equals(frame.dtypes))
        return (rows.a + (rows.c == "x")).to_numpy(dtype=float)

    predictor = px.Predictor(model)
    ours = px.explain("kernel_shap", predictor, space, frame.iloc[:2])["kernel_shap"]
    for name in ("shap.exact", "shap.kernel", "lime.tabular"):
        (found,) = px.reference(name, predictor, space, frame.iloc[:2], budget=100 if "lime" in name else 4).values()
        if name != "lime.tabular":
            np.testing.assert_allclose(found.values, ours.values, atol=1e-9)
    assert all(seen)


def test_what_is_no_reference_is_refused_before_the_model_is_asked(table):
    predictor = px.Predictor(table[0])
    with pytest.raises(ValueError, match=r"'shap.deep' .*lime.tabular"):
        px.reference("shap.deep", predictor, *table[1:])
    with pytest.raises((TypeError, ValueError), match="table"):
        px.reference("lime.tabular", px.Predictor(lambda p: p.mean(axis=(1, 2, 3))), px.ImageSpace(), np.eye(16)[..., None])
    assert predictor.rows == 0


# ------------------------------------------------------------------------------------------------ exchange


@pytest.fixture(scope="module")
def classes():
    X = np.random.default_rng(1).normal(size=(150, 4))
    model = GradientBoostingClassifier(n_estimators=10, random_state=0).fit(X, np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5]))
    predictor, space = px.Predictor(model), px.TabularSpace(X, background=20)
    return px.explain("kernel_shap", predictor, space, X[:25])["kernel_shap"], predictor, space, X[:25]


@pytest.mark.parametrize("kind", ["waterfall", "bar", "beeswarm", "heatmap", "scatter"])
@pytest.mark.parametrize("output", ["0", "2"])
def test_every_plot_of_shap_that_takes_an_explanation_draws_ours(kind, output, classes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import matplotlib

        matplotlib.use("Agg")
        import shap
        from matplotlib import pyplot

        found = px.to_shap(classes[0], output=output)
        try:
            if kind == "waterfall":
                shap.plots.waterfall(found[0], show=False)
            elif kind == "scatter":
                shap.plots.scatter(found[:, 0], show=False)
            else:
                getattr(shap.plots, kind)(found, show=False)
            assert pyplot.gcf().axes
        finally:
            pyplot.close("all")


def test_what_goes_to_shap_holds_our_numbers(classes):
    result = classes[0]
    found = px.to_shap(result)
    np.testing.assert_array_equal(found.values, result.values)
    np.testing.assert_array_equal(found.base_values, result.base)
    np.testing.assert_array_equal(np.asarray(found.data, dtype=float), np.array(result.inputs))
    assert list(found.feature_names) == list(result.names) and list(found.output_names) == list(result.outputs)


def test_what_comes_back_from_shap_is_what_went(classes):
    result, predictor, space, x = classes
    back = px.from_shap(px.to_shap(result), predictor, space, x)
    np.testing.assert_array_equal(back.values, result.values)
    assert back.names == result.names and back.outputs == result.outputs
    assert px.compare({"ours": result, "back": back}, predictor, space, metrics=["spearman"]).agreement.value.min() == 1.0


def test_values_of_another_shape_do_not_come_in(classes):
    result, predictor, space, x = classes
    with pytest.raises(ValueError, match=r"row|shape|input"):
        px.from_shap(px.to_shap(result), predictor, space, x[:3])


def test_explanations_of_lime_come_in(classes):
    _, predictor, space, x = classes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lime.lime_tabular import LimeTabularExplainer

        explainer = LimeTabularExplainer(space.codes, random_state=0, feature_selection="none")
        given = explainer.explain_instance(x[0], predictor, labels=(0, 1, 2), num_features=4, num_samples=200)
    back = px.from_lime(given, predictor, space, x[:1])
    for output in range(3):
        slopes = [value for _, value in sorted(given.local_exp[output])]
        np.testing.assert_allclose(back.values[0, :, output], slopes, atol=1e-12)


def test_samples_that_do_not_move_an_output_give_numbers_and_no_nan():
    predictor, space = px.Predictor(lambda rows: rows @ [1.0, -2.0, 0.0]), px.TabularSpace(np.zeros((1, 3)))
    found = px.reference("shap.sampling", predictor, space, np.ones((1, 3)), budget=400)["shap.sampling"]
    np.testing.assert_allclose(found.values[0, :, 0], [1.0, -2.0, 0.0], atol=1e-9)
