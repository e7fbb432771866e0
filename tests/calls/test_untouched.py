"""What compare() scores on: coalitions that none of the results asked, whichever method, call, seed and budget they had."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from recorders import Recorder

import perturbxai as px
from perturbxai.core import catalogue
from perturbxai.core.evaluations import Estimate, Law
from perturbxai.core.methods import Asking, FromCoalitions
from perturbxai.core.options import options
from perturbxai.core.questions import Coalitions

ROWS_OF_THEIR_OWN = {"lime_tabular", "ale", "rise_smooth", "sliding_occlusion"}  # which are no coalitions
BY_COALITIONS = sorted(set(catalogue.EXPLAINERS) - ROWS_OF_THEIR_OWN)


def model(rows):
    """Of the last axis, or of pixels: nothing that any method solves."""
    flat = np.asarray(rows, dtype=np.float64).reshape(len(rows), -1)
    return np.sin(3.0 * flat @ np.sin(np.arange(1.0, flat.shape[1] + 1.0))) + flat[:, 0] * flat[:, -1]


def on_zeros(n_players, n_inputs=1):
    """A table on which a row tells the coalition that it is, whichever input it belongs to: (recorder, space, x)."""
    x = 1.0 + np.arange(n_inputs)[:, None] + np.zeros((n_inputs, n_players))
    return Recorder(model), px.TabularSpace(np.zeros((1, n_players))), x


def as_coalitions(rows):
    """{(input's value, z as bytes)} of rows that are coalitions of one input, without the ends."""
    found = set()
    for row in np.concatenate(rows) if rows else []:
        row = np.ravel(row)
        shown = row != 0
        if shown.any() and not shown.all() and np.ptp(row[shown]) == 0:
            found.add((float(row[shown][0]), shown.tobytes()))
    return found


def scored_on(found, space, **chosen):
    """The coalitions that faithfulness is scored on, and what tables call them."""
    judge = Recorder(model)
    table = px.compare(found, px.Predictor(judge), space, metrics=["faithfulness"], **chosen)
    (name,) = set(table.to_frame().test_set)
    return as_coalitions(judge.batches), name


def sizes_of(scored):
    return np.array([sum(z) for _, z in scored])


# ------------------------------------------------------------------------------------------------ nothing asked is scored on


@pytest.mark.parametrize("n_players", [6, 9, 12, 30])
@pytest.mark.parametrize("name", BY_COALITIONS)
def test_nothing_that_a_method_asked_of_a_table_scores_it(name, n_players):
    if (name, n_players) == ("exact_shap", 30):
        pytest.skip("2^30 coalitions or none")
    recorder, space, x = on_zeros(n_players)
    method = catalogue.load(catalogue.EXPLAINERS, name)()
    least = method.law(n_players).minimum if isinstance(method, FromCoalitions) else 0
    budget = min(2**n_players, max(5 * n_players + 3, least))
    found = px.explain(method, px.Predictor(recorder), space, x, budget=budget)
    asked, (scored, told) = as_coalitions(recorder.batches), scored_on(found, space)
    assert asked
    if told == "exact table":
        assert len(scored) == 2**n_players - 2 < len(asked) + 20
    else:
        assert not scored & asked
        left = 2**n_players - 2 - len(asked)
        assert len(scored) == min(200, left) and told.startswith(f"{len(scored)} untouched coalitions")


@pytest.mark.parametrize("name", [*sorted(set(BY_COALITIONS) - {"exact_shap"}), "ale"])
def test_nothing_that_a_method_asked_of_a_picture_scores_it(name):
    recorder, labels = Recorder(model), np.arange(12, dtype=np.int32).reshape(3, 4)
    space = px.ImageSpace(segments=labels, fill=0.0)
    found = px.explain(name, px.Predictor(recorder), space, np.ones((3, 4, 1), np.float32), budget=300)
    asked, (scored, told) = as_coalitions(recorder.batches), scored_on(found, space)
    assert asked and not scored & asked
    assert len(scored) == 200 and told == "200 untouched coalitions, sizes uniform"


@pytest.mark.parametrize(
    "chosen", [{}, {"tol": 0.5}, {"tol": 0.2, "budget": 900}, {"tol": 1e-9, "budget": 300}, {"budget": 17}], ids=str
)
def test_inputs_that_stop_at_stages_of_their_own_are_each_scored_on_what_they_left(chosen):
    recorder, space, x = on_zeros(12, n_inputs=4)
    methods = ["lime"] if chosen.get("budget", 99) < 24 else ["kernel_shap", "lime", "occlusion", "inclusion"]
    found = px.explain(methods, px.Predictor(recorder), space, x, seed=3, **chosen)
    asked, (scored, _) = as_coalitions(recorder.batches), scored_on(found, space)
    assert not scored & asked and len(scored) == 4 * 200
    again = {name: px.Attribution.from_json(one.to_json()) for name, one in found.items()}
    assert scored_on(again, space)[0] == scored


def test_players_that_absence_cannot_change_are_present_in_what_was_asked_and_in_what_scores():
    recorder, space, x = on_zeros(9, n_inputs=3)
    x[1, [2, 5]] = 0.0
    found = px.explain(["kernel_shap", "permutation_shap"], px.Predictor(recorder), space, x, budget=90)
    for one in found.values():
        assert [part.meta["asked_coalitions"].get("players") for part in one] == [None, [0, 1, 3, 4, 6, 7, 8], None]
    asked = as_coalitions(recorder.batches)
    judge = Recorder(model)
    table = px.compare(found, px.Predictor(judge), space, metrics=["faithfulness"]).to_frame()
    assert not as_coalitions(judge.batches) & asked
    assert len(set(table[table.row == 1].test_set)) == 1 and table[table.row == 1].test_set.iloc[0] != table.test_set.iloc[0]


@pytest.mark.parametrize("seed", [0, 5])
def test_a_coalition_that_was_asked_on_some_background_row_scores_nobody(seed):
    data = np.random.default_rng(0).normal(size=(60, 30))
    recorder, judge = Recorder(model), Recorder(model)
    space, x = px.TabularSpace(data, background=40), np.random.default_rng(1).normal(size=(2, 30))
    found = px.explain(["kernel_shap", "lime"], px.Predictor(recorder), space, x, rows=2000, seed=seed, tol=0.3)
    px.compare(found, px.Predictor(judge), space, metrics=["faithfulness"])
    for row in x:
        asked, scored = ({z.tobytes() for z in kept.rows == row if 0 < z.sum() < 30} for kept in (recorder, judge))
        assert len(scored) == 200 and not scored & asked


def test_results_of_several_seeds_budgets_and_calls_are_scored_together_on_what_none_asked():
    recorder, space, x = on_zeros(10, n_inputs=2)
    predictor = px.Predictor(recorder)
    calls = [
        {"budget": 60}, {"budget": 300, "seed": 1}, {"budget": 300, "seed": 2, "methods": ["permutation_shap", "lime"]},
        {"tol": 0.2, "seed": 2},
    ]  # fmt: skip
    found = {}
    for number, call in enumerate(calls):
        methods = call.pop("methods", ["kernel_shap"])
        found |= {f"{name} {number}": one for name, one in px.explain(methods, predictor, space, x, **call).items()}
    asked, (scored, told) = as_coalitions(recorder.batches), scored_on(found, space)
    assert len(found) == 5 and not scored & asked and len(scored) > 200
    assert scored_on(dict(reversed(found.items())), space) == (scored, told)


def test_a_result_of_one_fill_is_not_scored_on_what_it_asked_under_another():
    recorder, picture = Recorder(model), np.ones((3, 3, 1), np.float32)
    picture[0, 0] = 0.5
    labels = np.arange(9, dtype=np.int32).reshape(3, 3)
    space = px.ImageSpace(segments=labels, fill=0.5)  # hides eight of the nine
    found = px.explain("kernel_shap", px.Predictor(recorder), space, picture, budget=100)
    asked = {(np.ravel(row) != 0.5).tobytes() for row in recorder.rows}
    judge = Recorder(model)
    px.compare(found, px.Predictor(judge), space, fills=[0.0], metrics=["faithfulness"])
    scored = {(np.ravel(row) != 0).tobytes() for row in judge.rows if 0 < (row != 0).sum() < 9}
    with_it = {bytes([1]) + z[1:] for z in asked}  # its ninth player always was there
    assert len(scored) == 200 and not scored & with_it


# ------------------------------------------------------------------------------------------------ how many are left


def test_where_fewer_than_two_hundred_are_left_all_of_them_score():
    recorder, space, x = on_zeros(8)
    found = px.explain("kernel_shap", px.Predictor(recorder), space, x, budget=200)
    asked, (scored, told) = as_coalitions(recorder.batches), scored_on(found, space)
    assert len(asked) == 198 and len(scored | asked) == 254 and not scored & asked
    assert told == "56 untouched coalitions, all that are left"


@pytest.mark.parametrize(("budget", "told"), [(236, "20 untouched coalitions, all that are left"), (238, "exact table")])
def test_fewer_than_twenty_say_nothing_and_the_whole_table_is_the_test(budget, told):
    recorder, space, x = on_zeros(8)
    found = px.explain("kernel_shap", px.Predictor(recorder), space, x, budget=budget)
    scored, name = scored_on(found, space)
    assert name == told and len(scored) == (254 if name == "exact table" else 20)


@pytest.mark.parametrize("n_players", [2, 3, 4])
def test_games_of_fewer_than_twenty_coalitions_are_scored_on_the_whole_table_also_if_nothing_was_asked(n_players):
    _, space, x = on_zeros(n_players)
    found = px.baselines("random", px.Predictor(model), space, x)
    scored, name = scored_on(found, space)
    assert name == "exact table" and len(scored) == 2**n_players - 2


@pytest.mark.parametrize(("n_players", "budget"), [(14, 2**14 - 60), (13, 2**13 - 300)])
def test_the_last_untouched_coalitions_are_found_where_nearly_all_were_asked(n_players, budget):
    recorder, space, x = on_zeros(n_players)
    found = px.explain("banzhaf", px.Predictor(recorder), space, x, budget=budget)
    asked, (scored, _) = as_coalitions(recorder.batches), scored_on(found, space)
    assert not scored & asked and len(scored) == min(200, 2**n_players - 2 - len(asked)) > 50


@options
class OneSide(Asking):
    """Every coalition with the first player, and no complement of any."""

    name: str = ""

    def least(self, players):
        return 2 ** (players.n_players - 1)

    def ask(self, players, budget, rng):  # noqa: ARG002
        n = players.n_players
        z = ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(bool)
        (values,) = yield [Coalitions(z[z[:, 0]])]
        zeros = np.zeros((n, values.shape[1]))
        return Estimate(zeros, zeros, np.ones(values.shape[1]), 1.0)


def test_where_a_method_of_ones_own_asked_a_side_of_every_pair_the_other_sides_score_it():
    recorder, space, x = on_zeros(8)
    found = px.explain(OneSide(), px.Predictor(recorder), space, x, budget=256)
    asked, (scored, told) = as_coalitions(recorder.batches), scored_on(found, space)
    assert len(asked) == 127 == len(scored) and not scored & asked
    assert told == "127 untouched coalitions, all that are left"


@options
class MiddleSizes(FromCoalitions):
    """A law that nobody has."""

    name: str = ""

    def law(self, n_players):
        mass = np.zeros(n_players + 1)
        mass[n_players // 2 : n_players // 2 + 2] = 0.5
        return Law("middle", mass, mass, n_players + 2, listed=(1,))

    def estimate(self, table):
        zeros = np.zeros((table.design.n_players, table.values.shape[1]))
        return Estimate(zeros, zeros, np.ones(table.values.shape[1]), 1.0)


@pytest.mark.parametrize("beside", [[], ["kernel_shap"]], ids=str)
def test_what_a_law_of_ones_own_asked_is_drawn_again_by_what_the_result_carries(beside):
    recorder, space, x = on_zeros(11, n_inputs=2)
    found = px.explain([MiddleSizes(), *beside], px.Predictor(recorder), space, x, budget=400, seed=9)
    asked, (scored, _) = as_coalitions(recorder.batches), scored_on(found, space)
    assert len(asked) >= 2 * 390 and len(scored) == 400 and not scored & asked


# ------------------------------------------------------------------------------------------------ the test set itself


def test_the_same_coalitions_score_an_input_in_any_company_and_other_seeds_draw_others():
    _, space, x = on_zeros(12, n_inputs=4)
    predictor = px.Predictor(model)
    found = px.explain(["kernel_shap", "lime"], predictor, space, x, budget=100)
    together, _ = scored_on(found, space)
    for n in (0, 3):
        alone = px.explain(["kernel_shap", "lime"], predictor, space, x[n : n + 1], budget=100)
        assert scored_on(alone, space)[0] == {one for one in together if one[0] == x[n, 0]}
    assert scored_on(found, space, seed=1)[0] != together


@pytest.mark.parametrize("n_players", [9, 30, 150])
def test_complementary_pairs_of_all_sizes_alike_score_what_asked_nothing(n_players):
    _, space, x = on_zeros(n_players)
    scored, told = scored_on(px.baselines("random", px.Predictor(model), space, x), space)
    names = {z for _, z in scored}
    assert len(scored) == 200 and told == "200 untouched coalitions, sizes uniform"
    assert all((~np.frombuffer(z, dtype=bool)).tobytes() in names for z in names)
    counts = np.bincount(sizes_of(scored), minlength=n_players + 1)[1:-1]
    if n_players == 9:  # all there are of sizes 1 and 8
        assert counts[0] == counts[-1] == 9 and np.ptp(counts[1:-1]) <= 2
    elif n_players == 30:
        assert np.ptp(counts) <= 2
    else:  # two at the least of each that is there
        assert counts[counts > 0].min() == 2 and counts.max() <= 4 and (counts > 0).sum() >= 98


def test_sizes_that_inclusion_and_occlusion_list_are_missing_beside_them_and_not_else():
    _, space, x = on_zeros(12)
    predictor = px.Predictor(model)
    apart = px.explain("permutation_shap", predictor, space, x, budget=60)
    beside = apart | px.explain(["inclusion", "occlusion"], predictor, space, x, budget=60)
    assert {1, 11} <= set(sizes_of(scored_on(apart, space)[0]))
    assert set(sizes_of(scored_on(beside, space)[0])) == set(range(2, 11))


# ------------------------------------------------------------------------------------------------ what results carry


def test_what_was_imported_asked_nothing():
    _, space, x = on_zeros(9, n_inputs=2)
    predictor = px.Predictor(model)
    found = {
        "shap": px.from_shap(SimpleNamespace(values=x * 0.1), predictor, space, x),
        "random": px.baselines("random", predictor, space, x)["random"],
    }
    assert all("asked_coalitions" not in one.meta for one in found.values())
    assert scored_on(found, space)[1] == "200 untouched coalitions, sizes uniform"


@pytest.mark.parametrize(
    "damage",
    [
        {"names": "&"}, {"names": "AAA="}, {"bits": 3}, {}, {"design": {}}, {"players": [99], "names": ""}, 7,
        {"design": {"seed": 0, "check": 1}},
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_tell_what_was_asked_is_refused_before_the_model_is(damage):
    recorder, space, x = on_zeros(9)
    found = px.explain("kernel_shap", px.Predictor(model), space, x, budget=60)["kernel_shap"]
    bad = px.Attribution((replace(found[0], meta=found[0].meta | {"asked_coalitions": damage}),), found.meta)
    with pytest.raises(ValueError, match=r"what 'mine' asked cannot be told from its meta\['asked_coalitions'\]"):
        px.compare({"mine": bad}, px.Predictor(recorder), space)
    assert not recorder.batches


def test_a_design_that_is_drawn_otherwise_today_is_refused():
    _, space, x = on_zeros(9)
    found = px.explain("kernel_shap", px.Predictor(model), space, x, budget=60)["kernel_shap"]
    told = found[0].meta["asked_coalitions"]["design"]
    other = {"design": told | {"check": told["check"] + 1}}
    old = px.Attribution((replace(found[0], meta=found[0].meta | {"asked_coalitions": other}),), found.meta)
    with pytest.raises(ValueError, match=r"coalitions are drawn otherwise today.*explain again"):
        px.compare({"mine": old}, px.Predictor(model), space)


def test_what_was_asked_stays_out_of_what_people_read(tmp_path):
    _, space, x = on_zeros(9, n_inputs=2)
    predictor = px.Predictor(model)
    found = px.explain(["kernel_shap", "permutation_shap"], predictor, space, x, budget=100)
    secret = found["permutation_shap"][0].meta["asked_coalitions"]["bits"]
    px.report(px.compare(found, predictor, space), tmp_path)
    for path in tmp_path.rglob("*.*"):
        if path.suffix in (".csv", ".html", ".json"):
            text = path.read_text("utf-8")
            assert secret not in text and "spanning" not in text, path
    for one in (found["permutation_shap"], found["permutation_shap"][0]):
        assert secret not in repr(one) + one._repr_html_()
        assert not {"asked_coalitions", "design"} & set(one.to_frame())


@pytest.mark.parametrize(("n_players", "budget", "most"), [(10, 400, 200), (30, 1202, 6500), (16, 2**16, 11_000)])
def test_what_a_result_carries_is_short(n_players, budget, most):
    _, space, x = on_zeros(n_players)
    found = px.explain(["permutation_shap", "kernel_shap"], px.Predictor(model), space, x, budget=budget)
    own, shared = (len(json.dumps(found[name][0].meta["asked_coalitions"])) for name in ("permutation_shap", "kernel_shap"))
    assert own < most and shared < 250 + 25 * n_players
