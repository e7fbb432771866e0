"""One unit on a page: probabilities are per cent and percentage points, in its words and in its charts."""

from __future__ import annotations

import re
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

import perturbxai as px
from perturbxai.reporting.html.per_cent import OF_EFFECT, OF_EXPLANATION, OF_SUPERPIXEL, curves_in_per_cent, in_per_cent
from perturbxai.results.describing import of_row, of_rows
from perturbxai.results.describing_effects import of_effect
from perturbxai.results.effect import Effect, Superpixel
from perturbxai.results.explanation import Explanation


@pytest.fixture(scope="module")
def known():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.normal(50, 9, 150), "town": rng.choice(["Ulm", "Köln"], 150)})
    y = np.where((X.age > 50) ^ (rng.random(150) < 0.1), "yes", "no")
    model = RandomForestClassifier(20, random_state=0, max_depth=4)
    coded = X.assign(town=(X.town == "Ulm").astype(float))
    model.fit(coded, y)

    class Coding:
        classes_ = model.classes_

        def predict_proba(self, rows):
            return model.predict_proba(rows.assign(town=(rows.town == "Ulm").astype(float)))

    return px.Predictor(Coding()), px.TabularSpace(X, background=30), X, y[:8]


@pytest.fixture(scope="module")
def found(known):
    predictor, space, x, _ = known
    return px.explain(["kernel_shap", "interactions"], predictor, space, x[:8], outputs=["yes"])


def test_the_words_are_the_same_in_either_unit(found):
    for name, result in in_per_cent(found).items():
        assert of_rows(result, 0) == of_rows(found[name], 0)
        assert [of_row(e, 0) for e in result] == [of_row(e, 0) for e in found[name]]
        np.testing.assert_allclose(result.values, 100 * found[name].values)
        np.testing.assert_allclose(result.interval()[0], 100 * found[name].interval()[0])
        np.testing.assert_allclose(result.prediction, 100 * found[name].prediction)


def test_the_words_of_curves_are_the_same_in_either_unit(known):
    predictor, space, whole, _ = known
    effects = px.effects(["pdp", "ice", "ale"], predictor, space, whole, features=["age"], outputs=["yes"], by="town")
    curves = {(name,): {method: effects[method][name] for method in effects} for name in ("age",)}
    for methods in curves_in_per_cent(curves).values():
        for method, effect in methods.items():
            assert of_effect(effect, 0) == of_effect(effects[method]["age"], 0)
            for group, one in effect.groups.items():
                np.testing.assert_allclose(one.values, 100 * effects[method]["age"].groups[group].values)


def test_charts_are_in_points_and_tables_in_the_model_s_own_unit(found, tmp_path):
    page = px.report({"kernel_shap": found["kernel_shap"]}, tmp_path)
    text = (page / "index.html").read_text("utf-8")
    assert "adds points ±" in text and "mean size of what the column adds, percentage points" in text
    first = found["kernel_shap"][0]
    shown = float(100 * first.prediction[0])
    assert f'data-value="{shown:.9g}"' in text
    frame = pd.read_csv(page / "attributions.csv")
    assert frame.value.abs().max() <= 1.0 and float(frame.prediction.iloc[0]) == pytest.approx(shown / 100)


def test_other_outputs_stay_as_the_model_gives_them(known, tmp_path):
    _, space, x, _ = known
    raw = px.explain("kernel_shap", px.Predictor(lambda rows: rows.age.to_numpy() * 3.0), space, x[:8])
    assert in_per_cent(raw)["kernel_shap"] is raw["kernel_shap"]
    text = (px.report(raw, tmp_path) / "index.html").read_text("utf-8")
    assert "adds points" not in text and ", percentage points" not in text


def test_a_probability_of_nearly_nothing_is_told_no_closer_than_anybody_reads(tmp_path):
    model = px.Predictor(lambda rows: np.full((len(rows), 1), 1e-7) + 1e-9 * rows, output="raw")
    result = px.explain("kernel_shap", model, px.TabularSpace(np.zeros((1, 1))), np.ones((3, 1)))["kernel_shap"]
    from dataclasses import replace

    odd = replace(result, explanations=tuple(replace(e, meta=e.meta | {"scale": "probability"}) for e in result),
                  meta=result.meta | {"scale": "probability"})  # fmt: skip
    text = (px.report(odd, tmp_path) / "index.html").read_text("utf-8")
    (rows,) = re.findall(r'<section id="rows".*?</section>', text, re.DOTALL)  # elsewhere are seconds, which may be as small
    assert "&lt; 0.01" in rows and "e-05" not in re.sub(r'data-value="[^"]*"', "", rows)


def test_a_map_of_logits_beside_probabilities_is_in_no_points(tmp_path):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
        torch.nn.Linear(8, 3),
    )  # fmt: skip
    predictor, space = px.Predictor(net, output="probability"), px.ImageSpace(segments="grid", n_segments=4)
    photo = np.random.default_rng(0).random((16, 16, 3)).astype(np.float32)
    maps = px.baselines("grad_cam", predictor, space, photo, outputs=[0])
    assert maps["grad_cam"].meta["score"] == "logit" and maps["grad_cam"].meta["scale"] == "probability"
    shown = in_per_cent(maps)["grad_cam"][0]
    np.testing.assert_array_equal(shown.values, maps["grad_cam"][0].values)
    np.testing.assert_array_equal(shown.heat, maps["grad_cam"][0].heat)
    np.testing.assert_allclose(shown.prediction, 100 * maps["grad_cam"][0].prediction)
    for e in (shown, maps["grad_cam"][0]):
        told = " ".join(of_row(e, 0))
        assert "They are parts of the logit, not of the prediction." in told
        assert " points)" not in told and " points is" not in told and "percentage points" in told  # of the predictions
    text = (px.report(maps, tmp_path) / "index.html").read_text("utf-8")
    assert "adds to the output, percentage points" not in text


def test_no_field_of_a_result_is_forgotten():
    """Every array is either in units of the output or known not to be."""
    of_rows_and_counts = {
        Explanation: {"critical", "input"},
        Effect: {"critical", "df", "counts", "extrapolated"},
        Superpixel: {"picture", "labels", "df", "at_half", "variation", "non_monotone"},
    }
    for kind, named in ((Explanation, OF_EXPLANATION), (Effect, OF_EFFECT), (Superpixel, OF_SUPERPIXEL)):
        types = r"(Floats|PlayerValues|PerOutput|Ints|Bools|Picture|Labels|float)"
        arrays = {one.name for one in fields(kind) if re.match(types, str(one.type))}
        assert arrays - {"df"} == (set(named) | of_rows_and_counts[kind]) - {"df"}


# ------------------------------------------------------------------------------------------------ what the rows are


def test_what_rows_are_stands_beside_their_predictions(known, found, tmp_path):
    text = (px.report(found, tmp_path, targets=known[3]) / "index.html").read_text("utf-8")
    assert "in the data" in text and re.search(r"In the data it is '(yes|no)'", text)
    assert re.search(r"right in (all|\d) of these 8 rows", text)
    assert "in the data" not in (px.report(found, tmp_path) / "index.html").read_text("utf-8")


@pytest.mark.parametrize("targets", [["yes"] * 7, "yes", 3, np.zeros((8, 1)), pd.DataFrame({"a": range(8)})])
def test_targets_of_other_rows_are_refused_before_anything_is_written(found, tmp_path, targets):
    with pytest.raises(ValueError, match=r"targets= .*expected a value for each of the 8 explained rows"):
        px.report(found, tmp_path / "new", targets=targets)
    assert not (tmp_path / "new").exists() or not list((tmp_path / "new").iterdir())


def test_effects_have_no_targets(known, tmp_path):
    predictor, space, x, y = known
    curves = px.effects("pdp", predictor, space, x, features=["age"])
    with pytest.raises(ValueError, match="targets= are of explained rows, and effects are of columns"):
        px.report(curves, tmp_path, targets=y)


@pytest.mark.parametrize("kind", ["Int64", "boolean", "string"])
def test_a_missing_target_is_told_so_whatever_pandas_keeps_it_as(found, tmp_path, kind):
    targets = (
        pd.Series([1, pd.NA, 0, 1, 1, 0, 0, 1]).astype(object).map(str if kind == "string" else int, na_action="ignore")
    )
    text = (px.report(found, tmp_path, targets=targets.astype(kind)) / "index.html").read_text("utf-8")
    assert text.count("What it really is is not in the data.") == 1


def test_hostile_targets_stay_text(found, tmp_path):
    targets = ["<script>alert(1)</script>"] * 4 + ['"x'] * 2 + [None, np.nan]
    text = (px.report(found, tmp_path, targets=targets) / "index.html").read_text("utf-8")
    assert (
        "<script>alert" not in text and "&lt;script&gt;alert(1)" in text and "What it really is is not in the data." in text
    )
