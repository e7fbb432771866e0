"""compare(seeds=): methods that draw are explained again, as they were, and every seed's map is scored."""

from __future__ import annotations

import games
import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.calls.again import draws, groups_of
from perturbxai.calls.comparison import fill_name
from perturbxai.sampling.asked import Reader


def bent(X):
    X = np.asarray(X, dtype=np.float64)
    return np.column_stack([np.tanh(X @ np.linspace(-1, 1, X.shape[1])) + X[:, 0] * X[:, 1], X[:, 2] ** 2])


def data(n, d=12, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


SPACE, PREDICTOR = px.TabularSpace(data(60), background=8), px.Predictor(bent)
X = data(3, seed=1)
CALLS = {
    "the default budget": {"methods": ["kernel_shap", "lime"]},
    "a budget": {"methods": ["kernel_shap", "lime", "pdp"], "budget": 100, "seed": 3},
    "questions of their own": {"methods": ["permutation_shap", "ale", "lime_tabular", "sampling_shap"], "budget": 120},
    "their own default": {"methods": ["lime_tabular", "ale"]},
    "a tolerance": {"methods": ["kernel_shap"], "budget": 800, "tol": 0.3},
    "rows": {"methods": ["kernel_shap"], "rows": 900},
    "two of a class": {"methods": [px.Lime(kernel_width=0.3), px.Lime(kernel_width=0.5), "kernel_shap"], "budget": 90},
    "the adaptive design": {"methods": ["kernel_shap"], "budget": 120, "design": "adaptive"},
}


def groups(results, predictor=PREDICTOR, space=SPACE, x=X):
    first = next(iter(results.values()))
    return groups_of(results, predictor, {fill_name(space): space}, x, first.outputs)


@pytest.mark.parametrize("kind", CALLS)
def test_a_call_that_is_asked_again_says_what_it_said_to_the_bit(kind):
    results = {
        f"mine {key}": found for key, found in px.explain(**CALLS[kind], predictor=PREDICTOR, space=SPACE, x=X).items()
    }
    (group,) = groups(results)
    again = group.ask(PREDICTOR, SPACE, X, ("0", "1"))
    for name, result in results.items():
        assert np.array_equal(again[name].values, result.values)
        assert np.array_equal(again[name].stderr, result.stderr)


def test_calls_are_told_apart_and_each_is_asked_with_its_own_options():
    results = px.explain("kernel_shap", PREDICTOR, SPACE, X, budget=60)
    results |= {"lime": px.explain("lime", PREDICTOR, SPACE, X, budget=90, seed=5)["lime"]}
    found = groups(results)
    assert [(sorted(g.methods), g.seed, g.options) for g in found] == [
        (["kernel_shap"], 0, {"budget": 60}), (["lime"], 5, {"budget": 90})
    ]  # fmt: skip
    for group in found:
        for name, again in group.ask(PREDICTOR, SPACE, X, ("0", "1")).items():
            assert np.array_equal(again.values, results[name].values)


def test_maps_of_a_photo_are_asked_again_at_their_layer_and_score():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 5, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(5, 4, 3, padding=1), torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, 3),
    )  # fmt: skip
    predictor, space = px.Predictor(net), px.ImageSpace(segments="grid", n_segments=9, fill=0.0)
    photo = np.random.default_rng(0).uniform(size=(12, 12, 3))
    results = px.baselines(["grad_cam", "layer_cam"], predictor, space, photo, outputs=[0, 2], layer=["1", "3"])
    results |= {
        "smooth": px.baselines("smooth_grad", predictor, space, photo, outputs=[0, 2], score="probability")["smooth_grad"]
    }
    results |= px.baselines(["random", "centre"], predictor, space, photo, outputs=[0, 2])
    results |= px.explain(["rise", "pdp"], predictor, space, photo, outputs=[0, 2], budget=50)
    for group in groups(results, predictor, space, photo):
        for name, again in group.ask(predictor, space, photo, ("0", "2")).items():
            np.testing.assert_allclose(again.values, results[name].values, atol=1e-6, err_msg=name)
    compared = px.compare(results, predictor, space, metrics="faithfulness", seeds=2)
    assert set(compared.reseeded) == {"smooth", "random", "rise", "pdp"}
    assert [float(compared.scores[compared.scores.method == "random"].seed.iloc[n]) for n in (0, 2)] == [0.0, 1.0]


def test_a_map_at_an_operation_without_a_module_is_asked_again_there():
    torch = pytest.importorskip("torch")

    class Pooled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.map, self.head = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Linear(4, 2)

        def forward(self, pictures):
            return self.head(torch.relu(self.map(pictures)).mean((2, 3)))

    predictor, space = px.Predictor(Pooled().eval()), px.ImageSpace(segments="grid", n_segments=9, fill=0.0)
    photo = np.random.default_rng(0).uniform(size=(12, 12, 3))
    results = px.baselines(["grad_cam", "gradient"], predictor, space, photo)
    assert results["grad_cam"].meta["layer"] == "input of mean()"
    for group in groups(results, predictor, space, photo):
        for name, again in group.ask(predictor, space, photo, results["gradient"].outputs).items():
            np.testing.assert_allclose(again.values, results[name].values, atol=1e-6)
    compared = px.compare(results, predictor, space, metrics=["max_sensitivity", "emprt"], seeds=2)
    assert set(compared.scores.method) == set(results)


# ------------------------------------------------------------------------------------------------ what is scored


def test_what_draws_is_scored_under_every_seed_and_what_does_not_once():
    results = px.explain(["kernel_shap", "lime", "occlusion"], PREDICTOR, SPACE, X, budget=60, seed=7)
    compared = px.compare(results, PREDICTOR, SPACE, metrics=["faithfulness", "srg"], seeds=4)
    lines = compared.scores.groupby(["method", "metric"]).seed
    assert {key: sorted(set(own.dropna())) for key, own in lines} == {
        (method, metric): [] if method == "occlusion" else [7, 8, 9, 10]
        for method in results for metric in ("faithfulness", "srg")
    }  # fmt: skip
    assert set(lines.size()) == {3 * 2, 3 * 2 * 4}
    assert {name: len(own) for name, own in compared.reseeded.items()} == {"kernel_shap": 3, "lime": 3}
    for name, own in compared.reseeded.items():
        for shift, one in enumerate(own, 1):
            alone = px.explain(["kernel_shap", "lime", "occlusion"], PREDICTOR, SPACE, X, budget=60, seed=7 + shift)[name]
            assert np.array_equal(one.values, alone.values)


def test_other_seeds_are_of_the_same_rows_whatever_these_are_called():
    rows = pd.DataFrame(data(4, d=6, seed=1), index=["b", "a", "a", 40], columns=list("uvwxyz"))
    table = pd.DataFrame(data(60, d=6), columns=list("uvwxyz"))
    results = px.explain(["kernel_shap", "lime"], bent, table, rows, budget=30)
    results |= px.baselines("random", bent, table, rows)
    compared = px.compare(results, bent, table, metrics=["srg", "faithfulness"], seeds=3)
    for _, lines in compared.scores.groupby(["method", "output", "metric", "seed"]):
        assert list(lines.row) == list(rows.index)
    assert [e.label for e in compared.reseeded["random"][0]] == list(rows.index)
    assert compared.versus("random", metric="srg").n_inputs == 4
    assert set(compared.seed_spread().inputs) == {4}


def test_rows_without_a_name_are_compared_like_others():
    rows = pd.DataFrame(data(3, d=6, seed=1), index=[np.nan, "a", np.nan], columns=list("uvwxyz"))
    table = pd.DataFrame(data(60, d=6), columns=list("uvwxyz"))
    results = px.explain(["kernel_shap", "lime"], bent, table, rows, budget=30)
    results |= px.baselines("random", bent, table, rows)
    truth = px.explain("exact_shap", bent, table, rows)["exact_shap"]
    compared = px.compare(results, bent, table, metrics=["srg", "error"], truth=truth, seeds=2)
    assert compared.versus("random", metric="srg").n_inputs == 3


def test_what_is_painted_over_is_what_the_map_of_each_seed_ranks():
    space = px.ImageSpace(segments="grid", n_segments=9, fill=0.0)
    photos = [np.random.default_rng(n).uniform(size=(12, 12, 3)) for n in range(3)]

    def model(pictures):
        return np.asarray(pictures)[:, :6].mean(axis=(1, 2, 3))

    random = px.baselines("random", model, space, photos)
    compared = px.compare(random, model, space, metrics="road", seeds=3)
    for shift, one in enumerate((random["random"], *compared.reseeded["random"])):
        alone = px.compare({"random": one}, model, space, metrics="road")
        assert list(compared.scores[compared.scores.seed == shift].value) == list(alone.scores.value)
    assert compared.seed_spread().sd_seeds[0] > 0


def test_a_seeds_scores_are_those_of_its_map_compared_by_itself():
    results = px.explain("kernel_shap", PREDICTOR, SPACE, X, budget=60)
    compared = px.compare(results, PREDICTOR, SPACE, metrics="srg", seeds=3)
    for shift in range(3):
        alone = px.explain("kernel_shap", PREDICTOR, SPACE, X, budget=60, seed=shift)
        expected = px.compare(alone, PREDICTOR, SPACE, metrics="srg").scores.value
        np.testing.assert_allclose(compared.scores[compared.scores.seed == shift].value, expected, atol=1e-12)


def test_no_seed_is_scored_on_coalitions_that_any_of_them_asked():
    results = px.explain("kernel_shap", PREDICTOR, SPACE, X, budget=400)
    asked = []

    def seen(values, z):
        asked.append(z.copy())
        return float(values.sum())

    compared = px.compare(results, PREDICTOR, SPACE, metrics=seen, seeds=3)
    versions = [results["kernel_shap"], *compared.reseeded["kernel_shap"]]
    last = asked[-1]  # of the last input
    for version in versions:
        one = version[-1]
        digest = SPACE.players(X)[-1].digest
        (known,) = Reader().read({"a": one.meta}, 12, digest)
        assert not known.holds(last).any()


def test_exact_values_draw_nothing():
    space, x = px.TabularSpace(data(60, 5), background=8), data(2, 5)
    results = px.explain(["kernel_shap", "lime", "lime_tabular"], px.Predictor(bent), space, x, budget=2**5)
    assert [name for name, result in results.items() if draws(result)] == ["lime_tabular"]
    compared = px.compare(results, px.Predictor(bent), space, metrics="srg", seeds=2)
    assert compared.scores[compared.scores.method == "lime"].seed.isna().all()


def test_one_seed_is_the_comparison_that_it_was():
    results = px.explain(["kernel_shap", "occlusion"], PREDICTOR, SPACE, X, budget=60)
    one = px.compare(results, PREDICTOR, SPACE)
    assert not one.reseeded and len(one.scores) == len(one.scores.drop_duplicates(["method", "row", "output", "metric"]))
    pd.testing.assert_frame_equal(one.scores, px.compare(results, PREDICTOR, SPACE, seeds=1).scores)


def test_means_over_seeds_are_what_the_summary_shows():
    results = px.explain(["kernel_shap", "occlusion"], PREDICTOR, SPACE, X, budget=60)
    compared = px.compare(results, PREDICTOR, SPACE, metrics="srg", seeds=3)
    own = compared.scores[compared.scores.method == "kernel_shap"].value
    assert compared.summary().srg["kernel_shap"] == pytest.approx(own.mean()) and len(own) == 3 * 3 * 2
    assert (compared.curves.groupby(["method", "row", "output", "curve"]).share.apply(lambda s: s.is_unique)).all()


def test_workers_change_nothing_of_other_seeds():
    results = px.explain(["kernel_shap", "lime"], PREDICTOR, SPACE, X, budget=60)
    here, there = (px.compare(results, PREDICTOR, SPACE, metrics="srg", seeds=2, n_jobs=n) for n in (None, 2))
    pd.testing.assert_frame_equal(here.scores, there.scores)


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("seeds", [0, -1, 2.5, "5", None, True, 10**6])
def test_seeds_are_a_whole_number(seeds):
    results = px.explain("kernel_shap", PREDICTOR, SPACE, X, budget=60)
    before = PREDICTOR.rows
    with pytest.raises((ValueError, TypeError), match="seeds"):
        px.compare(results, PREDICTOR, SPACE, seeds=seeds)
    assert PREDICTOR.rows == before


def test_results_of_other_packages_cannot_be_asked_again():
    pytest.importorskip("shap")
    results = px.explain("kernel_shap", PREDICTOR, SPACE, X, budget=60)
    results |= px.reference("shap.kernel", PREDICTOR, SPACE, X, budget=60)
    before = PREDICTOR.rows
    with pytest.raises(ValueError, match=r"'shap\.kernel' comes from ShapKernel, which cannot be asked again"):
        px.compare(results, PREDICTOR, SPACE, seeds=2)
    assert PREDICTOR.rows == before
    px.compare(results, PREDICTOR, SPACE)


def test_a_fill_that_is_not_named_cannot_be_asked_again():
    game = games.network_game(0, n_players=12)
    predictor = px.Predictor(game.extras["net"], batch_size=16)
    space = px.ImageSpace(segments=game.extras["labels"], fill=0.5)
    found = px.explain("kernel_shap", predictor, space.with_fill(0.25), game.extras["picture"], budget=60)
    with pytest.raises(ValueError, match=r"'kernel_shap' was explained under the fill '?.*0\.25.*name it in fills="):
        px.compare(found, predictor, space, metrics="faithfulness", seeds=2)
    compared = px.compare(found, predictor, space, metrics="faithfulness", seeds=2, fills=[0.5, 0.25])
    assert set(compared.scores.seed) == {0, 1}
    (again,) = compared.reseeded["kernel_shap"]
    alone = px.explain("kernel_shap", predictor, space.with_fill(0.25), game.extras["picture"], budget=60, seed=1)
    np.testing.assert_allclose(again.values, alone["kernel_shap"].values, atol=1e-6)
