"""Whatever stops a call: the very exception that came, with what was computed until then in `partial`."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pandas as pd
import pytest
import recorders
from recorders import bits

import perturbxai as px
from perturbxai.calls.explain_call import ROWS_AT_ONCE
from perturbxai.core.stopping import context, keeping

pytestmark = pytest.mark.usefixtures("plain_fits")


class NeedsArguments(Exception):
    """Cannot be made again from its text."""

    def __init__(self, host, *, code):
        super().__init__(f"{host}: {code}")
        self.host, self.code = host, code


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    """Takes no attribute, not even its traceback, which contextlib sets."""

    code: int = 7


class Slotted(Exception):
    __slots__ = ()


class NoText(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class Remote(ConnectionResetError):
    pass


STOPS = {
    "nan": None, "own": RuntimeError("own"), "arguments": NeedsArguments("far", code=3), "frozen": Frozen(),
    "slotted": Slotted("s"), "no text": NoText(), "remote": Remote(104, "reset by peer"), "timeout": TimeoutError("30 s"),
    "ctrl-c": KeyboardInterrupt(), "memory": MemoryError("16 GiB"), "exit": SystemExit(3), "key": KeyError("column"),
    "group": ExceptionGroup("two", [ValueError("a"), TypeError("b")]), "lookup": LookupError("unanswered"),
}  # fmt: skip
EVERY_STOP = pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
SOME_STOPS = pytest.mark.parametrize("stop", [STOPS[k] for k in ("nan", "frozen", "ctrl-c", "memory", "remote")])


class Stops:
    """A model that answers so many rows, and then raises, or says NaN."""

    def __init__(self, model, n_rows, stop):
        self.model, self.left, self.stop = model, n_rows, stop

    def __call__(self, rows):
        self.left -= len(rows)
        if self.left >= 0:
            return self.model(rows)
        if self.stop is None:
            return np.full((len(rows), 2), np.nan)
        raise self.stop


def stopped(call, stop):
    """The exception that leaves a call, which must be the one that was raised. Returns its `partial`."""
    if stop is not None:  # a traceback of another test is none of ours
        BaseException.__setattr__(stop, "__traceback__", None)
        BaseException.__setattr__(stop, "__context__", None)
        if "partial" in vars(stop):
            object.__delattr__(stop, "partial")
    with pytest.raises(px.ModelError if stop is None else type(stop)) as caught:
        call()
    assert stop is None or caught.value is stop
    return caught.value.partial


def a_predictor(n_rows, stop, kind="table", batch_size=10):
    model = recorders.of_table if kind == "table" else recorders.of_pictures
    return px.Predictor(Stops(model, n_rows, stop), outputs=["first", "second"], batch_size=batch_size)


def settings(kind):
    return recorders.table(8) if kind == "table" else recorders.pictures()


# ------------------------------------------------------------------------------------------------------- explain

TOGETHER = ["lime", "kernel_shap", "permutation_shap", "sampling_shap", "lime_tabular", "ale"]
EXPLAINED = {"table": TOGETHER, "picture": ["lime", "kernel_shap", "permutation_shap", "pdp"]}


@cache
def finished(kind, rows_at_once):
    """(rows, results) of a call that nothing stops, in blocks of so many rows: each stop is compared with it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("perturbxai.calls.explain_call.ROWS_AT_ONCE", rows_at_once)
        space, x = settings(kind)
        healthy = a_predictor(10**9, None, kind)
        found = px.explain(EXPLAINED[kind], healthy, space, x, budget=60)
    return healthy.rows, found


@EVERY_STOP
@pytest.mark.parametrize("kind", ["table", "picture"])
def test_explain_keeps_the_inputs_that_were_finished_bit_for_bit(kind, stop, monkeypatch):
    monkeypatch.setattr("perturbxai.calls.explain_call.ROWS_AT_ONCE", 1)  # an input a block
    space, x = settings(kind)
    names, (n_rows, whole) = EXPLAINED[kind], finished(kind, 1)
    partial = stopped(lambda: px.explain(names, a_predictor(n_rows * 3 // 5, stop, kind), space, x, budget=60), stop)
    assert set(partial) == set(names)
    for name, kept in partial.items():
        assert 1 <= len(kept) < len(whole[name]), name
        assert [bits(one) for one in kept] == [bits(one) for one in whole[name][: len(kept)]], name


@SOME_STOPS
@pytest.mark.parametrize("share", [0.15, 0.4, 0.7, 0.9, 0.99])
def test_explain_keeps_what_was_answered_of_inputs_that_are_asked_together(share, stop):
    (space, x), (n_rows, whole) = settings("table"), finished("table", ROWS_AT_ONCE)
    partial = stopped(lambda: px.explain(TOGETHER, a_predictor(int(share * n_rows), stop), space, x, budget=60), stop)
    if share >= 0.4:
        assert {"lime", "kernel_shap"} <= set(partial)
    by_label = {name: {one.label: bits(one) for one in result} for name, result in whole.items()}
    for name, kept in (partial or {}).items():
        assert all(by_label[name][one.label] == bits(one) for one in kept), name


@SOME_STOPS
def test_drawn_rows_that_were_answered_are_concluded_from(stop):
    space, x = recorders.table(6)
    healthy = a_predictor(10**9, None)
    whole = px.explain("lime_tabular", healthy, space, x, budget=100)["lime_tabular"]
    left = healthy.rows // 2
    partial = stopped(lambda: px.explain("lime_tabular", a_predictor(left, stop), space, x, budget=100), stop)
    kept = partial["lime_tabular"]
    assert 2 <= len(kept) < 6 and [bits(one) for one in kept] == [bits(one) for one in whole[: len(kept)]]


@pytest.mark.parametrize("error", [ValueError("singular"), MemoryError(), KeyboardInterrupt(), Frozen()], ids=repr)
@pytest.mark.parametrize("where", ["estimate", "ask"])
def test_an_exception_in_a_conclusion_keeps_the_other_methods(where, error, monkeypatch):
    from perturbxai.explainers.kernel_shap import KernelShap
    from perturbxai.explainers.permutation_shap import PermutationShap

    def fails(*_):
        raise error

    def asks(*given):
        yield from ask(*given)
        raise error

    space, x = recorders.table(3)
    whole = px.explain(TOGETHER, a_predictor(10**9, None), space, x, budget=60)
    ask = PermutationShap.ask
    broken = "kernel_shap" if where == "estimate" else "permutation_shap"
    if where == "estimate":
        monkeypatch.setattr(KernelShap, "estimate", fails)
    else:
        monkeypatch.setattr(PermutationShap, "ask", asks)
    if isinstance(error, KeyboardInterrupt):  # comes again while what there is is put together
        with pytest.raises(KeyboardInterrupt):
            px.explain(TOGETHER, a_predictor(10**9, None), space, x, budget=60)
        return
    partial = stopped(lambda: px.explain(TOGETHER, a_predictor(10**9, None), space, x, budget=60), error)
    kept = [name for name in TOGETHER if name != broken]
    assert set(partial) >= {"lime"} and broken not in partial
    if where == "estimate":
        assert set(partial) == set(kept)
    for name in partial:  # of what asks in rounds, the inputs that had all their answers
        expected = {one.label: bits(one) for one in whole[name]}
        assert all(bits(one) == expected[one.label] for one in partial[name]), name


def test_what_is_kept_is_about_this_failure_and_the_predictor_is_as_before():
    space, x = recorders.table(4)
    stop = RuntimeError("busy")
    predictor = a_predictor(400, stop)
    first = stopped(lambda: px.explain("lime", predictor, space, x, budget=60), stop)
    predictor._model.model.left = 0
    assert stopped(lambda: px.explain("lime", predictor, space, x, budget=60), stop) is None and first is not None
    predictor._model.model.left = 10**9
    assert len(px.explain("lime", predictor, space, x, budget=60)["lime"]) == 4


# ------------------------------------------------------------------------------------------------------- the other calls


@EVERY_STOP
def test_effects_keep_the_columns_that_were_finished(stop):
    X = np.random.default_rng(0).normal(size=(60, 6))
    space = px.TabularSpace(X)
    healthy = a_predictor(10**9, None)
    methods = ["pdp", "ice", "ale"]
    whole = px.effects(methods, healthy, space, X, grid=8)
    partial = stopped(lambda: px.effects(methods, a_predictor(healthy.rows // 2, stop), space, X, grid=8), stop)
    for name in methods:
        assert 1 <= len(partial[name]) < 6
        for column, effect in partial[name].items():
            np.testing.assert_array_equal(effect.values, whole[name][column].values)


@EVERY_STOP
def test_effects_of_a_photo_keep_the_superpixels_that_were_finished(stop):
    space, x = recorders.pictures()
    healthy = a_predictor(10**9, None, "picture")
    px.effects(["pdp", "ale"], healthy, space, x[0])
    partial = stopped(lambda: px.effects(["pdp", "ale"], a_predictor(healthy.rows // 2, stop, "picture"), space, x[0]), stop)
    assert len(partial["pdp"]) >= 1


@EVERY_STOP
def test_h_statistic_keeps_the_columns_that_were_finished(stop):
    X = np.random.default_rng(0).normal(size=(40, 6))
    space = px.TabularSpace(X)
    healthy = a_predictor(10**9, None)
    px.h_statistic(healthy, space, X, data_rows=20)
    partial = stopped(lambda: px.h_statistic(a_predictor(healthy.rows // 4, stop), space, X, data_rows=20), stop)
    assert 1 <= len(partial.features) < 16


@cache
def compared():
    """(what is compared, the predictor that was asked, all scores) where nothing stops the call."""
    space, x = recorders.pictures()
    found = px.explain(["lime", "kernel_shap"], a_predictor(10**9, None, "picture"), space, x, budget=60)
    healthy = a_predictor(10**9, None, "picture")
    return found, healthy, px.compare(found, healthy, space, fills=[0, "mean"]).to_frame()


@EVERY_STOP
def test_compare_keeps_the_scores_of_fills_and_inputs_that_were_answered(stop):
    (space, _), (found, healthy, whole) = recorders.pictures(), compared()
    left = int(0.7 * healthy.rows)
    partial = stopped(lambda: px.compare(found, a_predictor(left, stop, "picture"), space, fills=[0, "mean"]), stop)
    kept = partial.to_frame()
    assert 0 < len(kept) < len(whole) and len(partial.agreement) > 0
    pd.testing.assert_frame_equal(kept, whole.iloc[: len(kept)])


@EVERY_STOP
def test_reference_keeps_the_rows_that_were_finished(stop):
    pytest.importorskip("shap")
    space, x = recorders.table(4)
    healthy = a_predictor(10**9, None)
    px.reference("shap.permutation", healthy, space, x, budget=30)
    call = a_predictor(int(0.7 * healthy.rows), stop)
    partial = stopped(lambda: px.reference("shap.permutation", call, space, x, budget=30), stop)
    assert 1 <= len(partial["shap.permutation"]) < 4


@EVERY_STOP
def test_values_and_gradients_keep_the_batches_that_came(stop):
    rows = np.random.default_rng(0).normal(size=(50, 6))
    partial = stopped(lambda: a_predictor(25, stop)(rows), stop)
    np.testing.assert_array_equal(partial, recorders.of_table(rows[:20]))
    assert stopped(lambda: a_predictor(5, stop)(rows), stop) is None


def test_baselines_keep_the_pictures_and_methods_that_were_finished():
    torch = pytest.importorskip("torch")
    space, x = px.ImageSpace(segments="grid", n_segments=4, fill=0), np.random.default_rng(0).random((3, 8, 8, 1))

    class Net(torch.nn.Module):
        left = 10**9

        def __init__(self):
            super().__init__()
            self.body, self.head = torch.nn.Conv2d(1, 4, 3), torch.nn.Linear(4, 2)

        def forward(self, pictures):
            Net.left -= len(pictures)
            if Net.left < 0:
                raise stop
            return self.head(self.body(pictures).relu().mean((2, 3)))

    names, stop = ["grad_cam", "gradient", "smooth_grad"], NeedsArguments("gpu", code=9)
    net = Net()
    px.baselines(names, px.Predictor(net, output="logit"), space, x)
    spent = 10**9 - Net.left
    Net.left = spent // 2
    partial = stopped(lambda: px.baselines(names, px.Predictor(net, output="logit"), space, x), stop)
    assert partial["grad_cam"] and 1 <= len(partial["smooth_grad"]) < 3


def test_average_segmentations_keeps_the_pictures_that_were_finished(monkeypatch):
    from perturbxai.calls import averaging

    spaces = [px.ImageSpace(segments="grid", n_segments=n, fill=0) for n in (4, 16)]
    x = np.random.default_rng(0).random((3, 8, 8, 1))
    model = px.Predictor(lambda rows: rows.sum(axis=(1, 2, 3)))
    found = [px.explain("lime", model, space, x, seed=n)["lime"] for n, space in enumerate(spaces)]
    whole, average, stop = px.average_segmentations(found, spaces), averaging._average, KeyboardInterrupt()

    def stops(together, *given):
        if together[0].label == 2:
            raise stop
        return average(together, *given)

    monkeypatch.setattr(averaging, "_average", stops)
    partial = stopped(lambda: px.average_segmentations(found, spaces), stop)
    assert len(partial) == 2 and (partial[1].values == whole[1].values).all()


# ------------------------------------------------------------------------------------------------------- the parts


def test_an_exception_that_cannot_carry_anything_has_a_note():
    class Own(Exception):
        @property
        def partial(self):
            return "its own"

    with pytest.raises(Own) as caught, keeping(lambda: 1):
        raise Own
    assert caught.value.partial == "its own" and "is lost" in caught.value.__notes__[0]


def test_a_failure_to_put_the_rest_together_hides_nothing():
    with pytest.raises(KeyError) as caught, keeping(lambda: 1 / 0):
        raise KeyError("a")
    assert caught.value.partial is None and "ZeroDivisionError" in caught.value.__notes__[0]


@pytest.mark.parametrize("error", [StopIteration(3), GeneratorExit(), Frozen(), KeyboardInterrupt(), ValueError()], ids=repr)
def test_a_context_lets_through_what_is_raised_in_it_and_cleans_up(error):
    left = []

    @context
    def made(name):
        try:
            yield name
        finally:
            left.append(name)

    def inside():
        with made("a") as name:
            assert name == "a"
            raise error

    with pytest.raises(type(error)) as caught:
        inside()
    assert caught.value is error and left == ["a"]
    with made("b"):
        pass
    assert left == ["a", "b"]


@pytest.mark.parametrize("error", [StopIteration(), GeneratorExit()], ids=repr)
@pytest.mark.parametrize("n_rows", [0, 200])
def test_a_model_that_ends_a_loop_of_ours_is_told_what_to_do(error, n_rows):
    space, x = recorders.table(4)
    calls = {
        "explain": lambda p: px.explain(TOGETHER, p, space, x, budget=60),
        "effects": lambda p: px.effects("pdp", p, space, np.repeat(x, 9, axis=0), features=[0, 1], grid=5),
        "values": lambda p: p(np.repeat(x, 60, axis=0)),
    }
    for call in calls.values():
        with pytest.raises(px.ModelError, match=r"the model raised \w+, .*next\(iterator, None\)") as caught:
            call(a_predictor(n_rows if call is not calls["effects"] else n_rows // 20, error))
        assert caught.value.__cause__ is error
