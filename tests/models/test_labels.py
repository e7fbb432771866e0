"""What an estimator says besides probabilities: scores where it has them, one indicator a label where it has not."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from answering import BINARY, THREE, X, answers
from sklearn.cluster import DBSCAN, AffinityPropagation, Birch, BisectingKMeans, KMeans, MeanShift, MiniBatchKMeans
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, Perceptron, SGDOneClassSVM
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KernelDensity, KNeighborsClassifier, LocalOutlierFactor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier

import perturbxai as px

DETECTORS = [
    IsolationForest(n_estimators=20, random_state=0),
    OneClassSVM(),
    SGDOneClassSVM(random_state=0),
    EllipticEnvelope(random_state=0),
    LocalOutlierFactor(novelty=True),
    make_pipeline(StandardScaler(), IsolationForest(n_estimators=20, random_state=1)),
    make_pipeline(StandardScaler(), LocalOutlierFactor(novelty=True)),
]
CLUSTERINGS = [
    KMeans(3, n_init=1, random_state=0),
    MiniBatchKMeans(4, n_init=1, random_state=0),
    BisectingKMeans(3, random_state=0),
    Birch(n_clusters=3),
    MeanShift(cluster_all=False),
    AffinityPropagation(random_state=0),
    make_pipeline(StandardScaler(), KMeans(3, n_init=1, random_state=0)),
    GridSearchCV(KMeans(n_init=1, random_state=0), {"n_clusters": [2, 3]}, cv=2),
]
HARD = [
    VotingClassifier([("tree", DecisionTreeClassifier(max_depth=2)), ("svm", SVC())]),
    make_pipeline(StandardScaler(), VotingClassifier([("one", SVC()), ("two", Perceptron())])),
]


def called(model):
    return type(model).__name__ + ("." + type(model.steps[-1][1]).__name__ if hasattr(model, "steps") else "")


@pytest.mark.parametrize("model", DETECTORS, ids=called)
def test_an_outlier_detector_answers_with_its_score_and_not_with_one_or_minus_one(model):
    found, names = answers(model.fit(X))
    assert (found[:, 0] == np.ravel(model.decision_function(X))).all() and names == ("decision_function",)
    assert len(np.unique(found)) > 2
    with pytest.raises(ValueError, match=r'has predict and decision_function and score_samples only, whose scale is "raw"'):
        px.Predictor(model, output="probability")


@pytest.mark.parametrize(
    "model", [KernelDensity(), make_pipeline(StandardScaler(), KernelDensity(bandwidth=0.5))], ids=called
)
def test_a_density_answers_with_its_score(model):
    found, names = answers(model.fit(X))
    assert (found[:, 0] == model.score_samples(X)).all() and names == ("score_samples",)


@pytest.mark.parametrize("kind", [GaussianMixture, BayesianGaussianMixture])
def test_a_mixture_answers_with_shares_of_its_components_or_with_its_density(kind):
    model = kind(n_components=3, random_state=0).fit(X)
    assert (answers(model)[0] == model.predict_proba(X)).all()
    found, names = answers(model, output="raw")
    assert (found[:, 0] == model.score_samples(X)).all() and names == ("score_samples",)


@pytest.mark.parametrize("model", CLUSTERINGS, ids=called)
def test_a_clustering_answers_with_one_indicator_a_cluster(model):
    found, names = answers(model.fit(X))
    given = model.predict(X)
    assert names == tuple(f"is {label}" for label in sorted({int(name.removeprefix("is ")) for name in names}))
    assert (found.sum(axis=1) == 1).all()
    assert [names[k] for k in found.argmax(axis=1)] == [f"is {label}" for label in given]


@pytest.mark.parametrize(
    "target", [BINARY, THREE, THREE.astype(str), BINARY == "yes"], ids=["words", "10s", "digits", "bool"]
)
@pytest.mark.parametrize("model", HARD, ids=called)
def test_a_vote_answers_with_one_indicator_a_class(model, target):
    found, names = answers(model.fit(X, target))
    classes = np.unique(target)
    assert names == tuple(f"is {c}" for c in classes)
    assert (classes[found.argmax(axis=1)] == model.predict(X)).all() and (found.sum(axis=1) == 1).all()


@pytest.mark.parametrize("target", [BINARY, THREE, X[:, 0] > 0], ids=["words", "10s", "bool"])
def test_the_raw_scale_of_a_classifier_without_scores_is_its_labels_one_indicator_each(target):
    model = RandomForestClassifier(4, random_state=0).fit(X, target)
    found, names = answers(model, output="raw")
    assert (model.classes_[found.argmax(axis=1)] == model.predict(X)).all()
    assert names == tuple(f"is {c}" for c in model.classes_)


def test_several_targets_have_indicators_of_each():
    target = np.column_stack([BINARY, THREE.astype(str)])
    model = MultiOutputClassifier(Perceptron()).fit(X, target)
    found, names = answers(model)
    assert names == ("0:is no", "0:is yes", "1:is 0", "1:is 10", "1:is 20")
    given = model.predict(X)
    assert (found[:, 1] == (given[:, 0] == "yes")).all() and (found[:, 3] == (given[:, 1] == "10")).all()


@pytest.mark.parametrize("model", [MLPClassifier((4,), max_iter=50, random_state=0), KNeighborsClassifier()], ids=called)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_labels_that_do_not_exclude_each_other_stay_a_column_each(model):
    labels = (X > 0).astype(int)
    found, names = answers(model.fit(X, labels), output="raw")
    given = model.predict(X)
    ones = [k for k, name in enumerate(names) if name.endswith("is 1") or len(names) == labels.shape[1]]
    assert (found[:, ones] == given).all()


def test_a_label_that_the_model_was_not_fitted_with_is_refused():
    class Odd:
        classes_ = np.array(["no", "yes"])

        def predict(self, rows):
            return np.where(rows[:, 0] > 0, "yes", "perhaps")

    with pytest.raises(ValueError, match=r"Odd.predict gave .*'perhaps'.*not among the labels"):
        answers(Odd())


def test_a_clustering_that_does_not_tell_its_labels_is_refused_before_it_is_asked():
    with pytest.raises(ValueError, match=r"KMeans.predict gives numbers of clusters, which are no quantities"):
        px.Predictor(KMeans(3))


@pytest.mark.parametrize("model", [LocalOutlierFactor().fit(X), DBSCAN().fit(X)], ids=called)
def test_what_cannot_take_new_rows_is_refused_with_a_way_out(model):
    with pytest.raises(TypeError, match=r"has no predict.* for new rows.*novelty=True"):
        px.Predictor(model)


def test_explanations_and_curves_of_a_detector_are_of_its_score():
    model = IsolationForest(n_estimators=10, random_state=0).fit(X)
    predictor, space = px.Predictor(model), px.TabularSpace(X, background=8)
    found = px.explain("kernel_shap", predictor, space, X[:1])["kernel_shap"]
    np.testing.assert_allclose(found.values[0].sum(0), found.prediction[0] - found.base[0], atol=1e-12)
    np.testing.assert_allclose(found.prediction[0], model.decision_function(X[:1]))
    assert len(np.unique(px.effects("pdp", predictor, space, X, features=[0])["pdp"]["x0"].values)) > 2


# ------------------------------------------------------------------------------------------------ logits that a clip sets


def share(told):
    return float(str(told[0].message).split("%")[0])


@pytest.mark.parametrize("depth", [1, None])
def test_logits_of_probabilities_of_0_or_1_warn_with_their_share(depth):
    model = RandomForestClassifier(3, max_depth=depth, random_state=0).fit(X, BINARY)
    p = model.predict_proba(X)
    truth = 100 * ((p < 1e-12) | (p > 1 - 1e-12)).any(axis=1).mean()
    predictor = px.Predictor(model, output="logit")
    if truth == 0:
        predictor(X)  # warnings are errors
        assert "logit_clipped_rows" not in predictor.plan
        return
    with pytest.warns(UserWarning, match=r"of 60 model rows have a probability of 0 or 1.*output=.probability") as told:
        predictor(X)
    assert len(told) == 1 and share(told) == pytest.approx(truth, abs=0.05)
    assert predictor.plan["logit_clipped_rows"] == round(0.6 * truth)


def test_a_call_tells_of_clipped_logits_once_and_keeps_their_number():
    model = DecisionTreeClassifier(random_state=0).fit(X, BINARY)
    predictor, space = px.Predictor(model, output="logit"), px.TabularSpace(X, background=8)
    with pytest.warns(UserWarning, match=r"100.0% of \d+ model rows") as told:
        found = px.explain(["kernel_shap", "ice"], predictor, space, X[:3], budget=8)
    assert len(told) == 1
    assert found["ice"].meta["plan"]["logit_clipped_rows"] == predictor.rows
    with pytest.warns(UserWarning, match="100.0%") as told:
        px.effects(["pdp", "ale"], predictor, space, X)
    assert len(told) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda p, s: px.explain(["lime", "ale", "permutation_shap"], p, s, X[:3], budget=8),
        lambda p, s: px.explain("kernel_shap", p, s, X[:2], rows=60),
        lambda p, s: px.effects(["pdp", "ice", "ale"], p, s, X, features=[0, (0, 1)]),
        lambda p, s: px.baselines(["random"], p, s, X[:2]),
        lambda p, s: px.reference("shap.kernel", p, s, X[:2]),
        lambda p, s: px.h_statistic(p, s, X, data_rows=8),
        lambda p, _: px.plot_effects(p, X, [0, 1, (0, 1)]),
        lambda p, _: px.plot_effects(p, X, [0, 1], kind=["both", "ale"], sample_weight=np.arange(len(X)) % 3.0),
        lambda p, s: px.compare(explained(p.estimator().model, s), p, s),
    ],
)
def test_no_public_call_tells_of_clipped_logits_twice(call):
    model = DecisionTreeClassifier(random_state=0).fit(X, BINARY)
    predictor, space = px.Predictor(model, output="logit"), px.TabularSpace(X, background=8)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        call(predictor, space)
    told = [one for one in told if "whose logit would" in str(one.message)]
    assert len(told) == 1 and f"of {predictor.rows} model rows" in str(told[0].message)
    assert told[0].filename == __file__


def explained(model, space):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return px.explain(["lime", "ice"], px.Predictor(model, output="logit"), space, X[:2], budget=8)


def test_a_decision_function_has_no_clip():
    model = LogisticRegression(C=1e6).fit(X, BINARY)
    px.Predictor(model, output="logit")(1e6 * X)


# ------------------------------------------------------------------------------------------------ many outputs


def many(n_outputs):
    weights = np.random.default_rng(0).normal(size=(3, n_outputs))
    return lambda rows: rows @ weights


def test_of_many_outputs_those_that_were_kept_are_told():
    space, model = px.TabularSpace(X, background=8), many(30)
    told = "has 30 outputs, more than 20, and outputs= names none; kept are "
    highest = np.argsort(-model(X[:1])[0])[:5]
    expected = ", ".join(map(str, highest)) + ": the 5 highest of 30 at the first input"
    calls = {
        "explain": lambda p: px.explain("kernel_shap", p, space, X[:2])["kernel_shap"],
        "effects": lambda p: px.effects("pdp", p, space, X[:4], features=[0])["pdp"]["x0"],
        "baselines": lambda p: px.baselines("random", p, space, X[:2])["random"],
        "reference": lambda p: px.reference("shap.kernel", p, space, X[:2]),
    }
    for name, call in calls.items():
        with pytest.warns(UserWarning, match=told + expected) as warned:
            found = call(px.Predictor(model))
        found = found if hasattr(found, "meta") else next(iter(found.values()))
        assert len(warned) == 1 and found.meta["outputs_kept"].startswith(expected), name
        assert found.outputs == tuple(map(str, highest))


def test_h_squared_tells_which_outputs_were_kept():
    with pytest.warns(UserWarning, match="has 30 outputs"):
        found = px.h_statistic(px.Predictor(many(30)), px.TabularSpace(X, background=8), X[:20])
    assert found.meta["outputs_kept"].startswith(", ".join(found.outputs) + ": the 5 highest of 30")


def test_a_report_tells_which_outputs_were_kept(tmp_path):
    space = px.TabularSpace(X, background=8)
    with pytest.warns(UserWarning, match="30 outputs"):
        found = px.explain("kernel_shap", px.Predictor(many(30)), space, X[:2])
    folder = px.report(found, tmp_path / "r")
    page = (tmp_path / "r" / "index.html").read_text("utf-8")
    assert "the 5 highest of 30 at the first input" in page and folder
    assert "the 5 highest of 30" in (tmp_path / "r" / "manifest.json").read_text("utf-8")


@pytest.mark.parametrize("method", ["pdp", "ice", "ale"])
@pytest.mark.parametrize("call", ["explain", "effects"])
def test_importance_tells_which_outputs_were_kept_as_what_it_was_read_from_does(call, method):
    space, predictor = px.TabularSpace(X, background=8), px.Predictor(many(30))
    with pytest.warns(UserWarning, match="has 30 outputs"):
        found = getattr(px, call)(method, predictor, space, X[:20], seed=4)
    source = found[method] if call == "explain" else found[method]["x0"]
    for one in (px.importance(found)[method], px.importance(found[method])):
        assert one.meta["outputs_kept"] == source.meta["outputs_kept"]
        assert {what: one.meta[what] for what in ("seed", "scale")} == {"seed": 4, "scale": "raw"}
        assert one.meta["plan"] == source.meta["plan"]
    with pytest.warns(UserWarning, match="has 30 outputs"):
        other = getattr(px, call)(method, predictor, space, X[:20][::-1])
    assert px.importance(other)[method].meta["outputs_kept"] != px.importance(found)[method].meta["outputs_kept"]


def test_outputs_that_are_named_or_few_are_told_of_nowhere():
    space = px.TabularSpace(X, background=8)
    assert "outputs_kept" not in px.importance(px.explain("ice", px.Predictor(many(20)), space, X[:2]))["ice"].meta
    assert "outputs_kept" not in px.explain("kernel_shap", px.Predictor(many(20)), space, X[:1])["kernel_shap"].meta
    assert (
        "outputs_kept"
        not in px.explain("kernel_shap", px.Predictor(many(40)), space, X[:1], outputs=[3])["kernel_shap"].meta
    )
