"""The Predictor: batches, memory that runs out, finite checks, meters, progress, plans, and a network that is lent."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from samples import PICTURES, Recorder, X, convolutional, curved, dense, snapshot
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from torch import nn

import perturbxai as px
from perturbxai.models import predictor as module
from perturbxai.models.device import BATCH_BYTES
from perturbxai.models.plan import Given
from perturbxai.models.predictor import ModelError

# ------------------------------------------------------------------------------------------------ batches


@pytest.mark.parametrize("batch_size", [1, 7, 4096])
def test_batch_sizes_give_bit_identical_answers_of_a_rowwise_model(batch_size):
    rows = np.random.default_rng(1).standard_normal((4100, 3))
    assert (px.Predictor(curved, batch_size=batch_size)(rows)[:, 0] == curved(rows)).all()


@pytest.mark.parametrize("batch_size", [1, 7, 4096])
def test_batch_sizes_give_bit_identical_answers_of_a_forest(batch_size):
    forest = RandomForestRegressor(5, random_state=0).fit(X, curved(X))
    assert (px.Predictor(forest, batch_size=batch_size)(X)[:, 0] == forest.predict(X)).all()


@pytest.mark.parametrize("batch_size", [1, 7, 4096])
def test_batch_sizes_agree_for_a_float32_network_to_a_part_in_100_000_of_its_range(batch_size):
    net = convolutional().eval()
    with torch.no_grad():
        truth = net(torch.as_tensor(PICTURES.transpose(0, 3, 1, 2))).double().numpy()
    found = px.Predictor(net, batch_size=batch_size)(PICTURES)
    np.testing.assert_allclose(found, truth, rtol=0, atol=1e-5 * np.ptp(truth))


def test_batches_have_the_size_that_was_asked_and_the_last_one_is_what_is_left():
    model = Recorder()
    px.Predictor(model, batch_size=25.0)(X)
    assert model.sizes == [25, 25, 10]


def test_without_a_size_a_batch_of_wide_rows_is_smaller():
    class Wide(Given):
        row_bytes = BATCH_BYTES // 7

    model = Recorder()
    assert sum(len(values) for *_, values in px.Predictor(model).run(Wide(X[:20]))) == 20
    assert model.sizes == [7, 7, 6]


def test_without_a_size_a_convolutional_network_on_a_cpu_gets_eight_pictures():
    sizes, net = [], convolutional()
    net.register_forward_pre_hook(lambda _m, given: sizes.append(len(given[0])))
    px.Predictor(net)(PICTURES)
    assert sizes == [8, 1]


def test_run_tells_which_rows_its_values_belong_to():
    parts = list(px.Predictor(curved, batch_size=25).run(Given(X)))
    assert [(start, stop) for start, stop, _ in parts] == [(0, 25), (25, 50), (50, 60)]
    assert all((values[:, 0] == curved(X[start:stop])).all() for start, stop, values in parts)


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="rows is empty; give at least one row"):
        px.Predictor(curved)(X[:0])


# ------------------------------------------------------------------------------------------------ memory


def torch_allocator():
    try:
        torch.empty(1 << 57)
    except RuntimeError as error:
        return error
    raise AssertionError("it fitted")


ERRORS = {
    "host": MemoryError,
    "torch on a CPU": torch_allocator,
    "torch": lambda: torch.OutOfMemoryError("CUDA out of memory"),
}


@pytest.mark.parametrize("kind", ERRORS)
def test_a_batch_that_does_not_fit_is_halved_until_it_does(kind):
    model = Recorder(fits=4, error=ERRORS[kind])
    predictor = px.Predictor(model, batch_size=16)
    assert (predictor(X[:18])[:, 0] == curved(X[:18])).all()
    assert model.sizes == [16, 8, 4, 4, 4, 4, 2]


def test_rows_that_are_asked_again_are_counted_apart():
    predictor = px.Predictor(Recorder(fits=4), batch_size=16)
    predictor(X[:18])
    assert (predictor.rows, predictor.retried_rows) == (18, 16 + 8)


def test_the_smaller_batch_is_remembered_and_the_plan_says_so():
    model = Recorder(fits=4)
    predictor = px.Predictor(model, batch_size=16)
    assert "batch_size_halved_to" not in predictor.plan
    predictor(X[:18])
    model.sizes.clear()
    predictor(X[:9])
    assert model.sizes == [4, 4, 1]
    assert predictor.plan["batch_size"] == 16 and predictor.plan["batch_size_halved_to"] == 4


def test_one_row_that_does_not_fit_raises_the_models_own_error():
    predictor = px.Predictor(Recorder(fits=0), batch_size=4)
    with pytest.raises(MemoryError):
        predictor(X)
    assert (predictor.rows, predictor.retried_rows) == (0, 4 + 2)


def test_other_errors_are_not_tried_again():
    model = Recorder(fits=4, error=lambda: RuntimeError("shapes differ"))
    with pytest.raises(RuntimeError, match="shapes differ"):
        px.Predictor(model, batch_size=16)(X)
    assert model.sizes == [16]


def test_rows_that_do_not_fit_while_they_are_built_are_halved_too():
    class Large(Given):
        def host(self, start, stop):
            if stop - start > 8:
                raise MemoryError
            return super().host(start, stop)

    model = Recorder()
    predictor = px.Predictor(model, batch_size=32)
    assert np.concatenate([values for *_, values in predictor.run(Large(X))]).shape == (60, 1)
    assert model.sizes == [8] * 7 + [4] and predictor.retried_rows == 32 + 16


def test_what_a_failed_batch_took_is_free_before_the_cache_is_given_back(monkeypatch):
    class Big:
        pass

    held, seen = [], []

    def model(rows):
        big = Big()
        held.append(weakref.ref(big))
        if len(rows) > 4:
            raise MemoryError
        return curved(rows)

    monkeypatch.setattr("perturbxai.models.batches.release_cached", lambda _device: seen.append(held[-1]()))
    px.Predictor(model, batch_size=8)(X[:8])
    assert seen == [None]


def test_a_network_that_runs_out_of_memory_is_halved_and_left_as_it_was():
    net, sizes = convolutional(), []

    def narrow(_module, given):
        sizes.append(len(given[0]))
        if len(given[0]) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")

    net.register_forward_pre_hook(narrow)
    before = snapshot(net)
    assert px.Predictor(net, batch_size=4)(PICTURES[:4]).shape == (4, 2)
    assert sizes == [4, 2, 2] and snapshot(net) == before


# ------------------------------------------------------------------------------------------------ what comes back


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_names_its_row_and_output(bad):
    def model(rows):
        return np.where((rows == X[37]).all(axis=1)[:, None] & [False, True], bad, 1.0)

    with pytest.raises(ModelError, match=rf"returned {bad} for row 37 of this request, output 'dog'.*mend the model"):
        px.Predictor(model, outputs=["cat", "dog"], batch_size=10)(X)


def test_what_was_computed_before_a_failure_is_kept():
    def model(rows):
        return np.where((rows == X[37]).all(axis=1), np.nan, curved(rows))

    predictor = px.Predictor(model, batch_size=10)
    with pytest.raises(ModelError) as caught:
        predictor(X)
    assert (caught.value.partial[:, 0] == curved(X[:30])).all()
    assert predictor.rows == 40  # the batch with the NaN came back, too


def test_a_failure_at_the_first_batch_has_nothing_to_keep():
    with pytest.raises(ModelError) as caught:
        px.Predictor(lambda rows: np.full(len(rows), np.nan))(X)
    assert caught.value.partial is None


def test_an_infinite_logit_is_named_and_no_warning_of_numpy():
    with pytest.raises(ModelError, match="returned nan for row 1"):
        px.Predictor(nn.Identity(), output="probability")(np.array([[0.0, 1.0], [np.inf, 0.0]]))


@pytest.mark.parametrize(("n_rows", "expected"), [(60, "returned 59 rows for 60; expected one row"), (1, "0 rows for 1")])
def test_a_wrong_number_of_rows_is_refused(n_rows, expected):
    with pytest.raises(ModelError, match=expected):
        px.Predictor(lambda rows: curved(rows)[1:])(X[:n_rows])


def test_outputs_that_lose_the_axis_of_a_single_row_are_explained():
    with pytest.raises(ModelError, match=r"returned 3 rows for 1.*squeeze\(\) without an axis"):
        px.Predictor(lambda rows: np.squeeze(rows))(X[:1])


def test_a_number_of_outputs_that_changes_is_refused():
    predictor = px.Predictor(lambda rows: rows[:, : 1 + len(rows) % 2])
    assert predictor(X[:3]).shape == (3, 2)
    with pytest.raises(ModelError, match="returned 1 outputs, but earlier calls had 2"):
        predictor(X[:4])


def test_names_for_another_number_of_outputs_are_refused():
    with pytest.raises(ModelError, match="returned 3 outputs, but outputs= names 2"):
        px.Predictor(lambda rows: rows, outputs=["a", "b"])(X)


def test_an_interrupt_in_the_middle_ends_the_run_and_leaves_everything_usable():
    net, calls = dense(), []

    def interrupt(_module, _given):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    net.register_forward_pre_hook(interrupt)
    before, predictor = snapshot(net), px.Predictor(net, batch_size=10, progress=lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        predictor(X)
    assert snapshot(net) == before and (predictor.rows, predictor.retried_rows) == (20, 0)
    assert predictor(X).shape == (60, 2) and predictor._bar is None


# ------------------------------------------------------------------------------------------------ meters and progress


def test_seconds_are_the_models_own_also_of_calls_that_fail(clock):
    def model(rows):
        clock.now += 2.0
        if len(rows) > 30:
            raise MemoryError
        return curved(rows)

    predictor = px.Predictor(model, batch_size=60, progress=lambda *_: setattr(clock, "now", clock.now + 50.0))
    predictor(X)
    assert predictor.seconds == 6.0 and predictor.rows == 60


def test_rows_add_up_over_calls():
    predictor = px.Predictor(curved)
    predictor(X)
    predictor(X[:7])
    assert predictor.rows == 67


def test_the_pace_is_a_power_of_ten_as_it_was_when_it_was_first_read(clock):
    took = [0.018]

    def model(rows):
        clock.now += took[0]
        return curved(rows)

    predictor = px.Predictor(model, batch_size=60)
    assert predictor.pace == 0.0  # nothing was asked yet, and nothing is kept of that
    predictor(X)  # 3e-4 seconds a row, three times 1e-4 and less than a third of 1e-3
    assert predictor.pace == pytest.approx(1e-4, rel=1e-12)
    took[0] = 60.0
    predictor(X)
    assert predictor.seconds / predictor.rows > 0.1 and predictor.pace < 1e-3


def test_a_callback_hears_of_every_batch_and_ends_at_the_total():
    heard = []
    px.Predictor(curved, batch_size=25, progress=lambda done, total: heard.append((done, total)))(X)
    assert heard == [(25, 60), (50, 60), (60, 60)]


def test_a_callback_does_not_change_the_batches():
    silent, loud = Recorder(), Recorder()
    space = px.TabularSpace(X, background=5)
    for model, progress in ((silent, False), (loud, lambda *_: None)):
        px.explain(["lime", "kernel_shap"], px.Predictor(model, batch_size=16, progress=progress), space, X[:2])
    assert silent.sizes == loud.sizes


def test_one_bar_covers_all_questions_of_a_call():
    heard = []
    predictor = px.Predictor(curved, progress=lambda done, total: heard.append((done, total)))
    px.explain("kernel_shap", predictor, px.TabularSpace(X, background=5), X[:2])
    done = [d for d, _ in heard]
    assert heard[-1] == (predictor.rows, predictor.rows) and done == sorted(set(done))


def test_a_callback_hears_of_passes_through_the_network_itself():
    heard = []
    predictor = px.Predictor(convolutional(), progress=lambda done, total: heard.append((done, total)))
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    px.baselines(["smooth_grad", "integrated_gradients"], predictor, space, PICTURES[0], outputs=[0])
    done = [d for d, _ in heard]
    # the first question, about the picture alone, is asked before the call is watched
    assert done == sorted(done) and predictor.rows - 1 <= done[-1] <= predictor.rows and len(set(done)) > 10


@pytest.mark.parametrize("progress", [False, np.False_, lambda *_: None])
def test_silence_and_a_callback_write_nothing(progress, capsys):
    px.Predictor(curved, progress=progress)(X)
    assert capsys.readouterr() == ("", "")


def test_a_callback_that_raises_stops_the_run_and_the_next_call_starts_afresh():
    heard = []

    def cancel(done, total):
        heard.append((done, total))
        if len(heard) == 2:
            raise InterruptedError("enough")

    predictor = px.Predictor(curved, batch_size=20, progress=cancel)
    with pytest.raises(InterruptedError, match="enough"):
        predictor(X)
    predictor(X)
    assert heard[2:] == [(20, 60), (40, 60), (60, 60)]


# ------------------------------------------------------------------------------------------------ plans and refusals


PLANS = {
    "function": (lambda: px.Predictor(curved), {"kind": "callable", "output": "raw", "batch_size": "by row size"}),
    "estimator": (
        lambda: px.Predictor(LogisticRegression().fit(X, X[:, 0] > 0), batch_size=9),
        {"kind": "estimator", "output": "probability", "batch_size": 9},
    ),
    "dense": (
        lambda: px.Predictor(dense(), memory="system"),
        {
            "kind": "network", "output": "raw", "batch_size": "by row size", "device": "cpu", "layout": "contiguous",
            "precision": "float32", "rows_built": "host", "memory": "system",
        },
    ),
    "convolutional": (
        lambda: px.Predictor(convolutional(), device="cpu", precision="bfloat16", output="logit", memory="system"),
        {
            "kind": "network", "output": "logit", "batch_size": 8, "device": "cpu", "layout": "channels_last",
            "precision": "bfloat16", "rows_built": "device", "memory": "system",
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", PLANS)
def test_the_plan_says_how_a_model_is_run(kind):
    make, expected = PLANS[kind]
    assert make().plan == expected


def test_explanations_carry_the_plan():
    predictor = px.Predictor(curved, batch_size=16)
    found = px.explain("kernel_shap", predictor, px.TabularSpace(X, background=5), X[0])["kernel_shap"]
    assert found.meta["plan"] == predictor.plan


@pytest.mark.parametrize(
    ("memory", "told", "works", "expected"),
    [(None, 1, True, "keep"), ("keep", 1, True, "keep"), ("keep", 1, False, "system"), ("system", 0, True, "system")],
)
def test_the_allocator_is_told_unless_it_shall_be_left_alone(memory, told, works, expected, monkeypatch):
    calls = []
    monkeypatch.setattr(module, "keep_memory", lambda: calls.append(1) or works)
    assert px.Predictor(dense(), memory=memory).plan["memory"] == expected
    assert len(calls) == told


def test_the_allocator_is_left_alone_for_models_that_are_no_network(monkeypatch):
    monkeypatch.setattr(module, "keep_memory", lambda: 1 / 0)
    assert px.Predictor(curved, memory="keep").memory == "system"


LINEAR = LinearRegression().fit(X, X[:, 0])
REFUSED = {
    "scale": (curved, {"output": "odds"}, ValueError, "output='odds' is not known; expected one of"),
    "precision": (dense(), {"precision": "float16"}, ValueError, "precision='float16' is not known; expected one of"),
    "memory": (curved, {"memory": "swap"}, ValueError, "memory='swap' is not known"),
    "no rows": (curved, {"batch_size": 0}, ValueError, "batch_size=0 must be a whole number from 1 up"),
    "half a row": (curved, {"batch_size": 1.5}, ValueError, "batch_size=1.5 must be"),
    "a word": (curved, {"batch_size": "many"}, ValueError, "batch_size='many' must be"),
    "infinity": (curved, {"batch_size": np.inf}, ValueError, "batch_size=inf must be"),
    "progress": (curved, {"progress": "loud"}, TypeError, "progress='loud'; expected None, True, False or a function"),
    "no names": (curved, {"outputs": []}, ValueError, "outputs is empty"),
    "transform": (LINEAR, {"transform": curved}, ValueError, "transform is for pictures.*scikit-learn pipeline"),
    "device of a function": (curved, {"device": "cpu"}, ValueError, r"device='cpu' is for a torch\.nn\.Module"),
    "device of an estimator": (LINEAR, {"device": "cpu"}, ValueError, "the model is LinearRegression"),
    "precision of a function": (curved, {"precision": "float64"}, ValueError, r"is for a torch\.nn\.Module"),
    "sigmoids of an estimator": (LINEAR, {"multi_label": True}, ValueError, r"multi_label=True is for a torch\.nn"),
    "no such device": (dense(), {"device": "gpu"}, ValueError, "device='gpu' is not known to torch"),
    "predictor": (px.Predictor(curved), {}, TypeError, "model is a Predictor already"),
    "class": (LinearRegression, {}, TypeError, "model is the class LinearRegression; give an instance"),
    "nothing": (None, {}, TypeError, "model is NoneType; expected a scikit-learn estimator"),
    "numbers": (X, {}, TypeError, "model is ndarray; expected"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_work_is_refused_when_the_predictor_is_made(case):
    model, options, error, message = REFUSED[case]
    with pytest.raises(error, match=message):
        px.Predictor(model, **options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_when_the_predictor_is_made():
    with pytest.raises(ValueError, match="device='cuda', but torch finds no GPU here"):
        px.Predictor(dense(), device="cuda")


# ------------------------------------------------------------------------------------------------ outputs


def test_outputs_are_selected_by_name_or_number():
    predictor = px.Predictor(lambda rows: rows, outputs=["cat", "dog", 3])
    assert predictor.select(["3", 0, np.int64(1)], 3).tolist() == [2, 0, 1]
    assert predictor.select("dog", 3).tolist() == [1]


def test_one_name_may_be_given_as_it_is():
    predictor = px.Predictor(curved, outputs="price")
    predictor(X)
    assert predictor.outputs == ("price",)


@pytest.mark.parametrize("wanted", ["bird", 3, -1, True, 1.0])
def test_an_output_that_is_not_there_is_refused_and_those_that_are_get_named(wanted):
    predictor = px.Predictor(lambda rows: rows, outputs=["cat", "dog", "cow"])
    with pytest.raises(ValueError, match=rf"outputs: {wanted!r} is not an output.*it has 3: 'cat', 'dog', 'cow'"):
        predictor.select([wanted], 3)


def test_a_name_that_two_outputs_have_is_refused():
    predictor = px.Predictor(lambda rows: rows, outputs=["crane", "dog", "crane"])
    with pytest.raises(ValueError, match=r"'crane' is the name of the outputs \[0, 2\]; give the number"):
        predictor.select("crane", 3)


def test_no_outputs_are_refused():
    with pytest.raises(ValueError, match="outputs is empty; name at least one"):
        px.Predictor(curved).select([], 1)


@pytest.mark.parametrize("names", [{"a", "b"}, frozenset("ab")])
def test_names_of_columns_have_an_order(names):
    with pytest.raises(TypeError, match=r"outputs=.* has no order; name the columns in a list"):
        px.Predictor(lambda rows: rows[:, :2], outputs=names)
