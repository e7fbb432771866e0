"""A method of the user's own: an object where a name would stand, through everything that takes results."""

# ruff: noqa: ARG002

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.baseline_methods.kinds import Baseline, OfLayer, OfPicture, OfPixels, OfPlayers, OfRow
from perturbxai.core import catalogue
from perturbxai.core.evaluations import Estimate, Law
from perturbxai.core.methods import Asking, FromCoalitions
from perturbxai.core.questions import Cells, Coalitions
from perturbxai.reporting.style import styles_of, titles
from perturbxai.sampling import laws

X = np.random.default_rng(0).normal(size=(40, 4))
PHOTO = np.random.default_rng(1).random((16, 16, 3)) * 255


def exact(values):
    return Estimate(values, np.zeros_like(values), np.full(values.shape[1], 2.0), np.inf)


@dataclass(frozen=True, kw_only=True)
class Least(FromCoalitions):
    """The worst that a player's absence does, of all coalitions asked with one player less."""

    share: float = 1.0
    name: str = ""

    def law(self, n_players):
        return laws.all_but_one(n_players)

    def estimate(self, table):
        gone = np.argmin(table.design.z, axis=1)
        lone = table.design.sizes == table.design.n_players - 1
        values = np.zeros((table.design.n_players, len(table.full)))
        values[gone[lone]] = table.full - table.values[lone]
        return exact(self.share * values)


class Plain(Least):
    """The same, a class without a line of options."""


@dataclass(frozen=True, kw_only=True)
class Wanders(Asking):
    """What each player adds on the way of one order."""

    name: str = ""

    def least(self, players):
        return players.n_players + 1

    def ask(self, players, budget, rng):
        order = rng.permutation(players.n_players)
        z = np.zeros((len(order) + 1, len(order)), dtype=bool)
        for step, player in enumerate(order):
            z[step + 1 :, player] = True
        (values,) = yield [Coalitions(z)]
        found = np.empty((len(order), values.shape[1]))
        found[order] = np.diff(values, axis=0)
        return exact(found)


@dataclass(frozen=True, kw_only=True)
class Far(OfRow):
    name: str = ""

    def of_row(self, row):
        far = np.abs(row.x - row.space.background.mean(axis=0))
        return row.pool(np.repeat(far[:, None], len(row.columns), axis=1)), {"what": "distance"}


@dataclass(frozen=True, kw_only=True)
class Count(OfPlayers):
    name: str = ""

    def values(self, n_players, n_outputs, rng):
        return np.repeat(np.arange(n_players, dtype=float)[:, None], n_outputs, axis=1)


@dataclass(frozen=True, kw_only=True)
class Red(OfPicture):
    name: str = ""

    def heat(self, picture):
        return picture[..., 0].astype(float)


def table(methods):
    predictor, space = px.Predictor(lambda rows: rows[:, :2] * rows[:, 2:]), px.TabularSpace(X, background=10)
    call = px.baselines if isinstance(methods[0], Baseline) else px.explain
    return predictor, space, call(methods, predictor, space, X[:2])


def photo(methods, fill="mean"):
    predictor = px.Predictor(lambda photos: photos[:, :8, :8].mean(axis=(1, 2)))
    space = px.ImageSpace(segments="grid", n_segments=4, fill=fill)
    call = px.baselines if isinstance(methods[0], Baseline) else px.explain
    return predictor, space, call(methods, predictor, space, PHOTO)


OWN = {
    "Least on a table": (table, Least()), "Least on a photo": (photo, Least()),
    "Plain on a table": (table, Plain()), "Wanders on a table": (table, Wanders()),
    "Wanders on a photo": (photo, Wanders()), "Far on a table": (table, Far()), "Count on a table": (table, Count()),
    "Count on a photo": (photo, Count()), "Red on a photo": (photo, Red()),
}  # fmt: skip


@pytest.mark.usefixtures("undrawn")  # the figures of a report are those of px.plot
@pytest.mark.parametrize("own", OWN)
def test_it_goes_wherever_ours_go(own, tmp_path):
    kind, method = OWN[own]
    key = own.partition(" ")[0]
    predictor, space, found = kind([method])
    assert list(found) == [key] and found[key].method == method and found[key].meta["name"] == key
    found |= px.explain(["lime", "kernel_shap"], predictor, space, X[:2] if kind is table else PHOTO)
    assert titles(found)[key] == key
    colours = {name: look["color"] for name, look in styles_of(found).items()}
    assert len(set(colours.values())) == 3  # a spare one
    assert colours["lime"] == catalogue.EXPLAINERS["lime"].colour
    compared = px.compare(found, predictor, space)
    assert key in compared.summary().index and (compared.costs.method == key).any()
    folder = px.report(compared, tmp_path / "report")
    assert key in (folder / "attributions.csv").read_text() and key in (folder / "index.html").read_text("utf-8")
    assert key in found[key]._repr_html_() and set(found[key].to_frame().method) == {key}
    assert all(
        px.plot(found[key], figure).axes for figure in ("bars", "waterfall", "decision" if kind is table else "heatmap")
    )
    assert px.plot(found, "bars").axes
    for again in (copy.deepcopy(found[key]), pickle.loads(pickle.dumps(found[key]))):
        np.testing.assert_array_equal(again.values, found[key].values)


@pytest.mark.parametrize("own", ["Count on a table", "Red on a photo"])
def test_a_report_draws_it_beside_ours(own, tmp_path):
    kind, method = OWN[own]
    predictor, space, found = kind([method])
    found |= px.explain("lime", predictor, space, X[:2] if kind is table else PHOTO)
    drawn = {path.stem for path in px.report(px.compare(found, predictor, space), tmp_path / "report").glob("*.png")}
    assert {"maps" if kind is photo else "bars", "deletion", "insertion", "agreement"} <= drawn


@pytest.mark.parametrize("own", OWN)
def test_a_file_is_refused_that_could_not_be_read_back(own, tmp_path):
    kind, method = OWN[own]
    _, _, found = kind([method])
    (result,) = found.values()
    with pytest.raises(TypeError, match=f"method is a {type(method).__name__}, .* cannot be rebuilt .* to_csv"):
        result.to_json(tmp_path / "one.json")
    assert not (tmp_path / "one.json").exists()
    text = px.explain("lime", *table([Least()])[:2], X[:1])["lime"].to_json()
    with pytest.raises(ValueError, match="the method 'Least' is not known here"):
        px.Attribution.from_json(text.replace('"name":"lime","options"', '"name":"Least","options"'))


def test_two_of_a_class_are_told_apart_by_their_options_or_names():
    _, _, found = table([Least(), Least(share=0.5), Least(share=2.0, name="twice")])
    assert list(found) == ["Least(share=1.0)", "Least(share=0.5)", "twice"]
    np.testing.assert_allclose(found["twice"].values, 4 * found["Least(share=0.5)"].values)
    with pytest.raises(ValueError, match="'Plain' comes twice; give one of them another name="):
        table([Plain(), Plain()])


def test_it_shares_the_table_of_ours_and_is_given_what_they_are():
    predictor, space = px.Predictor(lambda rows: rows[:, :2] * rows[:, 2:]), px.TabularSpace(X, background=10)
    found = px.explain([Least(), "occlusion", Wanders()], predictor, space, X[:2], budget=16, seed=3)
    np.testing.assert_array_equal(found["Least"].values, found["occlusion"].values)
    assert "occlusion" in found["Least"].meta["rows_shared_with"]
    alone = px.explain([Wanders()], predictor, space, X[1:2], seed=3)["Wanders"]
    np.testing.assert_array_equal(alone.values[0], found["Wanders"].values[1])  # in any company


@pytest.mark.parametrize(("method", "home"), [(Least(), "mean"), (Wanders(), "mean"), (Count(), "none"), (Red(), "none")])
def test_it_is_at_home_where_a_fill_enters(method, home):
    predictor, space, found = photo([method])
    compared = px.compare(found, predictor, space, fills=["mean", "blur"])
    assert set(compared.scores.explained_fill) == {home}


@pytest.mark.parametrize("name", [name for name in catalogue.BASELINES if "photo" in catalogue.BASELINES[name].on])
def test_a_row_says_of_the_fill_what_its_class_does(name):
    own = catalogue.load(catalogue.BASELINES, name)()
    if not isinstance(own, OfPixels):  # which may look at anything
        assert own.sees_fill == catalogue.BASELINES[name].fill_enters


# ------------------------------------------------------------------------------------------------ what is refused


class Stranger:
    name = ""

    def law(self, n_players):
        return laws.all_but_one(n_players)


class lime(Plain):
    pass


@dataclass(frozen=True, kw_only=True)
class Flat(Least):
    def estimate(self, table):
        return exact(super().estimate(table).values.T)


@dataclass(frozen=True, kw_only=True)
class Short(Far):
    def of_row(self, row):
        return super().of_row(row)[0][:2], {}


NEVER = px.Predictor(lambda _: pytest.fail("the model was asked"))


@pytest.mark.parametrize(
    ("call", "method", "error", "words"),
    [
        (px.explain, Stranger(), TypeError, "A method of your own inherits from perturbxai.core.methods.Explainer"),
        (px.baselines, Stranger(), TypeError, "inherits from perturbxai.baseline_methods.kinds.Baseline"),
        (px.explain, Red(), TypeError, "nor an object of their classes"),
        (px.baselines, Least(), TypeError, "nor an object of their classes"),
        (px.explain, Least, TypeError, "nor an object of their classes"),
        (px.explain, lime(), ValueError, "your class lime has the name of a method of perturbxai; rename it"),
        (px.baselines, Red(), ValueError, "Red is a map of a picture, but the space is a table"),
    ],
)
def test_what_is_no_method_is_refused_before_the_model_is_asked(call, method, error, words):
    with pytest.raises(error, match=words):
        call([method], NEVER, px.TabularSpace(X), X[:1])


def test_numbers_of_another_shape_are_told_with_the_method():
    with pytest.raises(ValueError, match=r"Flat: values has shape \(2, 4\); expected \(4, 2\), players and outputs"):
        table([Flat()])
    with pytest.raises(ValueError, match=r"Short: values has shape \(2, 2\); expected \(4, 2\), players and outputs"):
        table([Short()])


@dataclass(frozen=True, kw_only=True)
class Yields(Wanders):
    """As Wanders, its questions in what `box` makes of them."""

    box: object = list
    name: str = "own"

    def ask(self, players, budget, rng):
        steps = super().ask(players, budget, rng)
        try:
            steps.send((yield self.box(next(steps))))
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("box", [lambda _: None, lambda _: 5, lambda asked: asked[0], lambda asked: dict(enumerate(asked))])
def test_what_is_no_list_of_questions_is_told_with_the_method(box):
    with pytest.raises(TypeError, match=r"^own: what ask\(\) yields=.* must be questions, in a list\."):
        table([Yields(box=box)])


@pytest.mark.parametrize("box", [tuple, iter, lambda asked: (one for one in asked)])
def test_questions_may_come_in_whatever_is_gone_through(box):
    (found,), (plain,) = table([Yields(box=box)])[2].values(), table([Yields()])[2].values()
    np.testing.assert_array_equal(found.values, plain.values)


@dataclass(frozen=True, kw_only=True)
class Says(Least):
    """As Least, its law or its estimate in what `twist` makes of it."""

    twist: object
    of: str

    def law(self, n_players):
        return self.twist(super().law(n_players)) if self.of == "law" else super().law(n_players)

    def estimate(self, table):
        return self.twist(super().estimate(table)) if self.of == "estimate" else super().estimate(table)


@dataclass(frozen=True, kw_only=True)
class Concludes(Wanders):
    twist: object

    def ask(self, players, budget, rng):
        return self.twist((yield from super().ask(players, budget, rng)))


@dataclass(frozen=True, kw_only=True)
class Wants(Wanders):
    """What it asks is `questions` of how many players there are, once for each of the budget."""

    questions: object

    def ask(self, players, budget, rng):
        for _ in range(budget):
            yield self.questions(players.n_players)


@dataclass(frozen=True, kw_only=True)
class Twisted(Red):
    twist: object

    def heat(self, picture):
        return self.twist(super().heat(picture))


class NoGenerator(Wanders):
    def ask(self, players, budget, rng):
        return None


def spoilt(number):
    def twist(values):
        values = values.astype(np.result_type(values, number))
        values[(1,) * values.ndim] = number
        return values

    return twist


ARRAYS = [
    (lambda _: None, TypeError, "is None; expected an array of real numbers"),
    (lambda values: values.tolist(), TypeError, r"is \[.*; expected an array of real numbers"),
    (lambda values: values.astype(str), TypeError, "is an array of <U.*; expected an array of real numbers"),
    (spoilt(1j), TypeError, "is an array of complex128; expected an array of real"),
    (spoilt(np.nan), ValueError, "holds nan at"),
    (spoilt(np.inf), ValueError, "holds inf at"),
    (lambda values: values[:-1], ValueError, r"has shape .*; expected"),
    (lambda values: values[None], ValueError, r"has shape .*; expected"),
]


@pytest.mark.parametrize(("twist", "error", "words"), ARRAYS)
def test_what_is_no_array_of_numbers_is_told_with_the_method(twist, error, words):
    for method in (
        Says(of="estimate", twist=lambda found: replace(found, values=twist(found.values))),
        Concludes(twist=lambda found: replace(found, values=twist(found.values))),
    ):
        with pytest.raises(error, match=f"^{type(method).__name__}: values {words}"):
            table([method])
    with pytest.raises(error, match=f"^Twisted: heat {words}"):
        photo([Twisted(twist=twist)])


OF_ESTIMATE = r"estimate\(\), or ask\(\) in the end, returned"


@pytest.mark.parametrize("given", [None, np.zeros((4, 2)), 3, [], "x"])
def test_what_is_no_conclusion_is_told_with_the_method(given):
    for method in (Says(of="estimate", twist=lambda _: given), Concludes(twist=lambda _: given)):
        with pytest.raises(TypeError, match=f"^{type(method).__name__}: {OF_ESTIMATE} .*; expected an object of Estimate"):
            table([method])
    with pytest.raises(TypeError, match=f"^Says: {OF_ESTIMATE}"):
        px.explain([Says(of="estimate", twist=lambda _: given)], *table([Least()])[:2], X[:1], tol=0.1)


@pytest.mark.parametrize(
    ("part", "given", "words"),
    [
        ("stderr", np.full((4, 2), np.nan), "stderr holds nan"),
        ("stderr", np.full((4, 2), -1.0), "stderr is below zero"),
        ("stderr", 0.0, "stderr is 0.0; expected an array"),
        ("critical", np.ones(3), r"critical has shape \(3,\); expected \(2,\)"),
        ("stderr_background", np.ones(4), r"stderr_background has shape \(4,\)"),
        ("heat", np.ones((3, 3)), "heat has shape"),
        ("interactions", np.ones((4, 4)), "interactions has shape"),
        ("df", None, "df=None must be a number of degrees of freedom"),
        ("df", np.nan, "df=nan must be a number"),
        ("df", "3", "df='3' must be a number"),
        ("notes", None, "notes returned None; expected a dict"),
        ("notes", [1], r"notes returned \[1\]; expected a dict"),
        ("columns", "x", "columns returned 'x'; expected a dict"),
        ("columns", {"q": np.ones(3)}, r"columns\['q'\] has shape \(3,\); expected \(4,\), players, or \(4, 2\)"),
        ("columns", {"q": np.ones((2, 4))}, r"columns\['q'\] has shape \(2, 4\)"),
        ("columns", {"q": 1.0}, r"columns\['q'\] has shape \(\)"),
    ],
)  # fmt: skip
def test_further_parts_of_a_conclusion_are_told_with_the_method(part, given, words):
    with pytest.raises((TypeError, ValueError), match=f"^Concludes: {words}"):
        table([Concludes(twist=lambda found: replace(found, **{part: given}))])


@pytest.mark.parametrize("looked", [[0, 1, 2, 3], [0, 1, 3]], ids=["all", "some"])
@pytest.mark.parametrize("kind", [np.float64, np.int64, str, bool])
@pytest.mark.parametrize("method", ["by law", "by asking"])
def test_further_columns_follow_the_players_and_are_missing_where_nobody_looked(method, kind, looked):
    def told(found):
        return replace(found, columns={"q": found.values[:, 0].astype(kind), "each": np.round(found.values, 3).astype(kind)})

    own = Says(of="estimate", twist=told) if method == "by law" else Concludes(twist=told)
    still = X.copy()
    if len(looked) < 4:
        still[:, 2] = 0.5  # absence changes nothing in it
    slopes, space = np.array([[3.0, 1.0], [-2.0, 4.0], [1.0, 1.0], [5.0, -3.0]]), px.TabularSpace(still, background=10)
    (found,) = px.explain(own, px.Predictor(lambda rows: rows @ slopes), space, still[:3], budget=20).values()
    for one in found:
        np.testing.assert_array_equal(one.columns["q"][looked], one.values[looked, 0].astype(kind))
        np.testing.assert_array_equal(one.columns["each"][looked], np.round(one.values[looked], 3).astype(kind))
        assert [p for p in range(4) if not pd.isna(one.columns["q"][p])] == looked
        assert (pd.isna(one.columns["each"]).all(axis=1) == pd.isna(one.columns["q"])).all()
    frame = found.to_frame()
    assert (frame.q.isna() == ~frame.feature.isin([found.names[p] for p in looked])).all()
    again = px.Attribution.from_json(
        replace(found, explanations=tuple(replace(e, method=px.Lime()) for e in found)).to_json()
    )
    pd.testing.assert_frame_equal(again.to_frame(), frame, check_dtype=False)


@pytest.mark.parametrize(
    ("twist", "error", "words"),
    [
        (lambda _: None, TypeError, r"law\(4\) returned None; expected an object of Law"),
        (lambda law: replace(law, mass=law.mass[1:]), ValueError, r"mass of law\(4\) has shape \(4,\); expected \(5,\)"),
        (lambda law: replace(law, design=np.zeros(4)), ValueError, r"design of law\(4\) has shape \(4,\)"),
        (lambda law: replace(law, mass=2 * law.mass), ValueError, r"mass of law\(4\) sums to 2; expected 1"),
        (lambda law: replace(law, mass=-law.mass), ValueError, r"mass of law\(4\) is below zero"),
        (lambda law: replace(law, mass=np.nan * law.mass), ValueError, r"mass of law\(4\) holds nan"),
        (lambda law: replace(law, listed=2), TypeError, r"listed of law\(4\)=2 must be sizes, in a tuple"),
        (lambda law: replace(law, listed=("3",)), ValueError, r"listed of law\(4\)='3' must be a whole number of players"),
        (lambda law: replace(law, listed=(9,)), ValueError, r"listed of law\(4\)=9 must be .* from 0 up to 4"),
        (lambda law: replace(law, minimum=None), ValueError, r"minimum of law\(4\)=None must be a whole number"),
        (lambda law: replace(law, emphasis=np.nan), ValueError, r"emphasis of law\(4\)=nan must be above 0"),
        (lambda law: replace(law, listed=()), ValueError, r"law\(4\) weighs the sizes \[3\] and asks none of them"),
    ],
)
def test_a_law_by_which_nothing_can_be_weighed_is_refused_before_the_model_is_asked(twist, error, words):
    with pytest.raises(error, match=f"^Says: {words}"):
        px.explain([Says(of="law", twist=twist)], NEVER, px.TabularSpace(X, background=10), X[:2])


@pytest.mark.parametrize(
    ("questions", "error", "words"),
    [
        (lambda n: [Coalitions(np.ones((1, n + 3), bool))], ValueError, r"z that ask\(\) yields has shape \(1, 7\);"),
        (lambda n: [Coalitions(np.ones(n, bool))], ValueError, r"z that ask\(\) yields has shape \(4,\)"),
        (lambda n: [Coalitions(np.ones((1, n)))], TypeError, r"z that ask\(\) yields is an array of float64; expected bool"),
        (lambda n: [Cells(np.ones((1, n + 1), bool), np.zeros(1, int))], ValueError, r"z that ask\(\) yields has shape"),
        (lambda n: [np.ones((1, n), bool)], TypeError, r"ask\(\) yields array\(.*; expected questions"),
        (lambda n: [Coalitions(np.random.default_rng().random((9, n)) < 0.5)] * 9, ValueError, r"ask\(\) wants "),
        (lambda n: [Coalitions(np.ones((1, n), bool), last=True)], ValueError, r"ask\(\) asks again after .* last=True"),
    ],
)  # fmt: skip
def test_a_question_that_nobody_can_answer_is_told_with_the_method(questions, error, words):
    predictor, space = px.Predictor(lambda rows: rows[:, 0]), px.TabularSpace(X, background=10)
    with pytest.raises(error, match=f"^Wants: {words}"):
        px.explain([Wants(questions=questions)], predictor, space, X[:1], budget=5)


@pytest.mark.parametrize("size", [2, 6, 9, 10])
@pytest.mark.parametrize("n_players", [11, 15])
def test_any_size_that_is_weighed_is_drawn(size, n_players):
    @dataclass(frozen=True, kw_only=True)
    class OfSize(FromCoalitions):
        name: str = ""

        def law(self, n_players):
            mass = np.zeros(n_players + 1)
            mass[size] = 1.0
            return Law("one size", mass, mass.copy(), minimum=2 * n_players + 2)

        def estimate(self, table):
            asked.append(int((table.design.sizes == size).sum()))
            return exact(np.zeros((table.design.n_players, 1)))

    asked = []
    space = px.TabularSpace(np.random.default_rng(0).normal(size=(30, n_players)), background=3)
    px.explain(OfSize(), px.Predictor(lambda rows: rows[:, 0]), space, np.ones((1, n_players)), budget=100)
    assert asked[0] >= n_players


def test_what_asks_by_no_generator_is_told_with_the_method():
    with pytest.raises(TypeError, match=r"^NoGenerator: ask\(\) returned None; expected a generator"):
        table([NoGenerator()])


@pytest.mark.parametrize("of", [lambda table: table.design.z, lambda table: table.values, lambda table: table.design.pair])
def test_a_table_that_others_read_cannot_be_written_to(of):
    @dataclass(frozen=True, kw_only=True)
    class Writes(Least):
        def estimate(self, table):
            of(table)[0] = 0
            return super().estimate(table)

    with pytest.raises(ValueError, match="read-only"):
        table([Writes(), "lime"])


@pytest.mark.parametrize("part", ["data", "data_weights", "background", "background_weights", "codes"])
def test_a_row_that_others_read_cannot_be_written_to(part):
    class Writes(Wanders):
        def ask(self, players, budget, rng):
            getattr(players, part)[...] = 0
            yield []

    with pytest.raises(ValueError, match="read-only"):
        table([Writes(), "kernel_shap"])


def test_a_background_that_later_calls_read_cannot_be_written_to():
    class Writes(OfRow):
        name = ""

        def of_row(self, row):
            row.space.background[...] = 0
            return np.zeros((4, 1)), {}

    with pytest.raises(ValueError, match="read-only"):
        px.baselines(Writes(), px.Predictor(lambda rows: rows[:, 0]), px.TabularSpace(X, background=5), X[:1])


@pytest.mark.parametrize("part", ["picture", "fill", "labels", "player"])
def test_a_photo_that_others_read_cannot_be_written_to(part):
    torch = pytest.importorskip("torch")

    class Writes(OfPixels):
        name = ""

        def of_picture(self, pixels):
            getattr(pixels.one, part)[...] = 0

    net = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    with pytest.raises(ValueError, match="read-only"):
        px.baselines([Writes(), "gradient"], px.Predictor(net, output="logit"), space, PHOTO)


@pytest.mark.parametrize("found", [(np.zeros((4, 1)),), (np.zeros((4, 1)), {}, 3), (np.zeros((4, 1)), None), None])
def test_values_of_a_row_that_come_without_notes_are_told_with_the_method(found):
    class Alone(OfRow):
        name = ""

        def of_row(self, row):
            return found

    with pytest.raises(TypeError, match=r"^Alone: of_row\(\) returned .*; expected values \(P, K\) and notes, a dict"):
        px.baselines(Alone(), px.Predictor(lambda rows: rows[:, 0]), px.TabularSpace(X, background=5), X[:1])


def test_a_class_that_lacks_its_parts_cannot_be_made():
    class Empty(FromCoalitions):
        pass

    class Nothing(OfLayer):
        pass

    for kind, part in ((Empty, "estimate"), (Nothing, "cells")):
        with pytest.raises(TypeError, match=part):
            kind()
