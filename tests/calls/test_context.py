"""px.context: neighbours by brute force, how far off a row is, and what its explanation stands on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import perturbxai as px
from perturbxai.inputs.columns import Columns
from perturbxai.inputs.gower import Gower

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = (X[:, 0] + 0.3 * X[:, 1] > 0).astype(int)
MODEL = LogisticRegression().fit(X, Y)


def distances(rows, data):
    return Gower.of(Columns(data), data)(rows, data)


def test_neighbours_are_those_of_brute_force():
    new = RNG.normal(size=(5, 3))
    found = px.context(MODEL, X, new, n=4)
    far, decided = distances(new, X), MODEL.predict(X)
    for i in range(5):
        order = np.argsort(far[i], kind="stable")
        assert found.alike.numbers[i].tolist() == order[:4].tolist()
        others = [j for j in order if decided[j] != MODEL.predict(new[[i]])[0]]
        assert found.otherwise.numbers[i].tolist() == others[:4]
        np.testing.assert_allclose(found.otherwise.distances[i], far[i, others[:4]])
    np.testing.assert_allclose(found.alike.outputs, MODEL.predict_proba(X)[found.alike.numbers])
    assert set(found.decisions) <= {"0", "1"} and found.otherwise.decisions[0][0] != found.decisions[0]


def test_a_row_of_the_data_is_no_neighbour_of_its_own():
    found = px.context(MODEL, X, X[:6])
    assert all(i not in found.alike.numbers[i] for i in range(6)) and (found.alike.distances > 0).all()


def test_the_share_that_lies_farther_is_counted_by_hand():
    line = np.array([[0.0], [1.0], [2.0], [3.0], [10.0]])
    found = px.context(lambda Z: Z[:, 0], line, np.array([[10.0], [30.0], [2.0], [2.5]]))
    # 10 lies 7 from the others, no other as far; 30 lies 20 off, which no other does; 2 is as near as all but 10;
    # and 2.5 lies .5 from 2 and 3, which it makes as near: all six
    np.testing.assert_allclose(found.far, [1 / 5, 1 / 6, 1.0, 1.0])


@pytest.mark.parametrize("step", [0.1, 1 / 3, 0.7, 1.1])
def test_distances_that_were_rounded_apart_are_equal(step):
    table = (np.arange(12.0) * step)[:, None]
    found = px.context(lambda Z: Z[:, 0], table, table, n=1)
    np.testing.assert_allclose(found.far, 1.0, rtol=1e-12)  # each lies a step from the next, whatever rounding says


def test_of_new_rows_like_the_data_at_most_a_share_of_a_are_as_far_as_that():
    rng, level = np.random.default_rng(1), np.array([0.05, 0.2, 0.5])
    hits = []
    for _ in range(150):
        table = rng.normal(size=(41, 2)) * rng.exponential(size=(41, 1))
        hits.append(px.context(lambda Z: Z[:, 0], table[:40], table[40:], n=1).far[0] <= level + 1e-12)
    share = np.mean(hits, axis=0)
    assert (share <= level + 2.6 * np.sqrt(level * (1 - level) / 150)).all() and share[2] > 0.35


def test_a_stranger_is_told_from_a_row_among_the_data():
    found = px.context(MODEL, X, np.array([[0.0, 0.0, 0.0], [9.0, -9.0, 9.0]]))
    assert "lies among the data" in found.describe(0) and "lies off the data" in found.describe(1)


def test_the_ground_of_independent_columns_is_firm_and_that_of_tied_ones_thin():
    rng = np.random.default_rng(2)
    free = rng.random((400, 4))
    tied = np.repeat(rng.random((400, 1)), 4, axis=1) + rng.normal(scale=0.005, size=(400, 4))
    firm, thin = (px.context(lambda Z: Z[:, 0], table, table[:10]) for table in (free, tied))
    assert firm.ground.mean() < 0.1 and thin.ground.mean() > 0.7
    assert "stands on the data" in firm.describe(0) and "stands on thin ground" in thin.describe(0)


def test_the_ground_is_that_of_rows_mixed_by_hand():
    """Two tied columns: every mixed row has one column of x and one of the background."""
    table = np.repeat(np.arange(30.0)[:, None], 2, axis=1)
    table[0] = -100.0
    found = px.context(lambda Z: Z[:, 0], px.TabularSpace(table, background="all"), table[[0]], n=1)
    # all but the background row that is x itself give a row that lies 50 % of the range from the nearest
    assert found.ground[0] == pytest.approx(29 / 30, abs=0.05)


def test_a_single_column_has_no_ground_to_be_judged():
    found = px.context(lambda Z: Z[:, 0], X[:, :1], X[:2, :1])
    assert np.isnan(found.ground).all() and "explanation" not in found.describe(0)


def test_the_same_rows_are_told_alike_in_any_company_and_order_of_the_table():
    rows = X[[3, 8, 40]]
    one = px.context(MODEL, X, rows)
    alone = px.context(MODEL, X[::-1].copy(), rows[[1]])
    np.testing.assert_allclose(one.far[1], alone.far[0], rtol=1e-12)
    np.testing.assert_array_equal(one.ground[1], alone.ground[0])
    np.testing.assert_array_equal(one.otherwise.numbers[1], 119 - alone.otherwise.numbers[0])


def test_numbers_are_decided_otherwise_a_deviation_away():
    y = X @ [1.0, 2.0, 0.0]
    model = LinearRegression().fit(X, y)
    found = px.context(model, X, X[:5])
    apart = np.abs(y[found.otherwise.numbers] - y[:5, None])
    assert (apart > y.std() * (1 - 1e-9)).all()
    assert f"more than a deviation of the predictions ({y.std():.3g})" in found.meta["rule"]


@pytest.mark.parametrize(
    ("model", "output", "decided"),
    [
        (MODEL, "probability", {"0", "1"}),
        (MODEL, "logit", None),
        (lambda Z: MODEL.predict_proba(Z), "raw", {"0", "1"}),
    ],
)
def test_single_scores_are_decided_by_the_side_they_lie_on(model, output, decided):
    found = px.context(px.Predictor(model, output=output), X, X[:20])
    assert len(set(found.decisions)) == 2 and decided in (None, set(found.decisions))
    assert all(a != b[0] for a, b in zip(found.decisions, found.otherwise.decisions, strict=True))


def test_a_decision_of_one_s_own_is_taken():
    found = px.context(MODEL, X, X[:10], decide=lambda p: np.where(p[:, 1] > 0.9, "refer", "leave"))
    expected = np.where(MODEL.predict_proba(X)[:, 1] > 0.9, "refer", "leave")
    assert found.decisions == tuple(expected[:10]) and {one[0] for one in found.otherwise.decisions} == {"refer", "leave"}


def test_where_all_are_decided_alike_that_is_told():
    found = px.context(MODEL, X, X[:2], decide=lambda p: np.zeros(len(p)))
    assert found.otherwise.labels == ((), ()) and (found.otherwise.numbers == -1).all()
    assert "None of the 120 rows that were looked at is decided otherwise" in found.describe(0)


def test_rounding_is_no_other_prediction():
    found = px.context(lambda Z: 1.0 + 1e-17 * Z[:, 0] + np.where(Z[:, 1] > 0, 1e-16, 0.0) * 3, X, X[:2])
    assert found.otherwise.labels == ((), ())


def test_what_a_neighbour_has_otherwise_is_told_in_the_table_s_own_terms():
    table = pd.DataFrame({"town": pd.Categorical(["a", "b", "b"]), "age": [30, 30, 60]}, index=["eve", "bob", "ann"])
    found = px.context(lambda Z: (Z["town"] == "a").to_numpy(float), table, table.iloc[[0]], decide=lambda p: p[:, 0] > 0.5)
    assert found.describe().splitlines()[1:3] == [
        "Most like it, and decided otherwise, are the rows bob and ann.",
        "bob is decided False, and has town b (not a).",
    ]
    frame = found.to_frame()
    assert frame[frame.kind == "otherwise"].neighbour.tolist() == ["bob", "ann"]


def test_model_rows_are_counted_and_each_distinct_row_is_asked_once():
    table, asked = np.repeat(X[:10], 3, axis=0), []
    rows = np.concatenate([X[:2], X[[50, 51, 50]]])  # two of the data, and two others, one of them twice
    found = px.context(lambda Z: asked.append(len(Z)) or Z[:, 0], table, rows)
    assert sum(asked) == 12 == found.meta["rows"] and found.meta["looked_at"] == 10
    np.testing.assert_array_equal(found.prediction[:, 0], rows[:, 0])


def test_pictures_are_set_among_others():
    pictures = [np.full((4, 4, 1), v, np.float32) for v in (0, 10, 20, 200, 210)]
    predictor = px.Predictor(lambda p: (p.mean(axis=(1, 2, 3)) > 100) * 1.0)
    found = px.context(
        predictor, px.ImageSpace(segments="grid"), [pictures[1]], data=pictures, n=2, decide=lambda p: p[:, 0]
    )
    assert found.alike.numbers.tolist() == [[0, 2]] and found.otherwise.numbers.tolist() == [[3, 4]]
    assert found.ground is None and found.alike.pictures[0][0].shape == (4, 4, 1) and found.what == "picture"
    assert "explanation" not in found.describe()


def test_pictures_of_another_size_than_the_data_are_refused():
    with pytest.raises(ValueError, match="x and data have points of 25 and 16 numbers"):
        px.context(
            lambda p: p.mean(axis=(1, 2, 3)), px.ImageSpace(), np.zeros((5, 5, 1)), data=list(np.eye(4)[None].repeat(3, 0))
        )


def test_of_several_outputs_pictures_are_decided_by_the_highest():
    pictures = [np.full((4, 4, 1), v, np.float32) for v in (0, 10, 200, 210)]
    predictor = px.Predictor(
        lambda p: np.stack([100 - p.mean(axis=(1, 2, 3)), np.zeros(len(p))], axis=1), outputs=["dark", "bright"]
    )
    found = px.context(predictor, px.ImageSpace(segments="grid"), [pictures[0]], data=pictures, n=2)
    assert found.decisions == ("dark",) and found.otherwise.decisions == (("bright", "bright"),)


def test_a_model_that_fails_is_told_as_everywhere():
    with pytest.raises(px.ModelError, match="the model returned nan"):
        px.context(lambda Z: np.where(Z[:, 0] > 1, np.nan, 0.0), X, X[:2])


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"n": 0}, ValueError, "n=0"),
        ({"rows": 1}, ValueError, "rows=1"),
        ({"data": X}, ValueError, "leave data= out"),
        ({"decide": 0.5}, TypeError, "decide is float"),
        ({"metric": "far"}, ValueError, "metric='far'"),
        ({"layer": "a"}, ValueError, "layer='a'"),
        ({"seed": "a"}, (TypeError, ValueError), "seed="),
    ],
)
def test_what_does_not_go_together_is_refused_before_the_model_is_asked(arguments, error, match):
    predictor = px.Predictor(MODEL)
    with pytest.raises(error, match=match):
        px.context(predictor, X, X[:2], **arguments)
    assert predictor.rows == 0


def test_decisions_of_another_shape_and_pictures_without_data_are_refused():
    with pytest.raises(ValueError, match=r"decide returned shape \(120, 2\)"):
        px.context(MODEL, X, X[:2], decide=lambda p: p)
    with pytest.raises(ValueError, match="give the pictures to look among"):
        px.context(lambda p: p.mean(axis=(1, 2, 3)), px.ImageSpace(), np.zeros((4, 4, 1)))
    with pytest.raises(ValueError, match="row=7"):
        px.context(MODEL, X, X[:2]).describe(7)


def test_decisions_are_compared_as_they_are_and_not_as_they_are_told():
    long = "approved for the customers of the segment {} under the policy of this year"

    def decide(outputs):
        return [long.format("A" if one > 0 else "B") for one in outputs[:, 0]]

    found = px.context(lambda Z: Z[:, 0], X, X[:6], n=3, decide=decide)
    mine = X[:6, 0] > 0
    assert (found.otherwise.numbers >= 0).all()
    assert ((X[found.otherwise.numbers, 0] > 0) != mine[:, None]).all()


@pytest.mark.parametrize(("scale", "begin"), [(1.0, 1e8), (1e200, 0.0), (1e-200, 0.0)])
def test_the_deviation_of_predictions_is_found_at_any_scale(scale, begin):
    plain = px.context(lambda Z: Z[:, 0], X, X[:6], n=3)
    moved = px.context(lambda Z: begin + scale * Z[:, 0], X, X[:6], n=3)
    assert plain.otherwise.numbers.tolist() == moved.otherwise.numbers.tolist()


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinite_row_is_refused_before_the_model_is_asked(value):
    with pytest.raises(ValueError, match="x has infinite values in 'x1'"):
        px.context(lambda _: pytest.fail("asked"), X, [[0.0, value, 0.0]])
