"""Whatever stops a call comes out as the very exception that was raised, and carries what was computed before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import perturbxai as px

X = np.random.default_rng(0).normal(size=(60, 4))
GRID = px.ImageSpace(segments="grid", n_segments=4)
PHOTO = np.random.default_rng(1).random((12, 16, 3)).astype(np.float32)


class NeedsArguments(Exception):
    def __init__(self, code, *, host):
        super().__init__(f"{host}: {code}")
        self.code, self.host = code, host


class NoAttributes(Exception):
    __slots__ = ()

    def __setattr__(self, name, value):
        raise AttributeError(name)


@dataclass(frozen=True)
class Frozen(Exception):
    code: int


RAISED = {
    "ValueError": lambda: ValueError("dead"),
    "needs arguments": lambda: NeedsArguments(7, host="remote"),
    "no attributes": lambda: NoAttributes("dead"),
    "frozen": lambda: Frozen(3),
    "Ctrl-C": KeyboardInterrupt,
    "no memory": lambda: MemoryError("all of it"),
    "connection": lambda: ConnectionResetError(104, "reset by peer"),
    "SystemExit": lambda: SystemExit(2),
}


class Fails:
    """Answers so many rows, then raises; it never answers again."""

    def __init__(self, n_rows, error):
        self.left, self.error = n_rows, error
        self.n_calls_after = 0

    def __call__(self, rows):
        flat = np.asarray(rows, dtype=float).reshape(len(rows), -1)
        if self.left < 0:
            self.n_calls_after += 1
        self.left -= len(flat)
        if self.left < 0:
            self.left = -1
            raise self.error
        return np.tanh(flat[:, :4].sum(axis=1)) + flat[:, 0] * flat[:, 1]


def space(n_background=5):
    return px.TabularSpace(X, background=n_background)


def stopped(call, n_rows, error):
    """The exception that stops a call after so many rows, and the model."""
    model = Fails(n_rows, error)
    with pytest.raises(BaseException) as caught:
        call(px.Predictor(model, batch_size=1 if isinstance(error, MemoryError) else 16))  # larger ones are halved
    assert model.n_calls_after == 0  # what is put together afterwards asks nothing
    return caught.value


CALLS = {
    "explain": (lambda p: px.explain(["kernel_shap", "ale"], p, space(), X[:6], budget=16), 400),
    "effects": (lambda p: px.effects(["pdp", "ale"], p, space(), X, grid=20), 2500),
    "h_statistic": (lambda p: px.h_statistic(p, space(), X[:30]), 3000),
    "reference": (lambda p: px.reference("shap.permutation", p, space(), X[:6], budget=40), 500),
    "baselines": (lambda p: px.baselines(["random", "gradient"], p, space(), X[:6]), 3),
    "predict": (lambda p: p(X), 40),
}


@pytest.mark.parametrize("raised", RAISED)
@pytest.mark.parametrize("call", [name for name in CALLS if name != "baselines"])
def test_the_exception_is_the_one_that_was_raised_and_carries_what_was_computed(call, raised):
    error = RAISED[raised]()
    found = stopped(*CALLS[call], error)
    assert found is error
    if raised in ("no attributes", "frozen") and not hasattr(found, "partial"):
        assert any("partial" in note for note in found.__notes__)
    else:
        assert found.partial is not None


@pytest.mark.parametrize("raised", RAISED)
def test_before_anything_was_answered_nothing_is_kept(raised):
    error = RAISED[raised]()
    found = stopped(CALLS["explain"][0], 0, error)
    assert found is error and getattr(found, "partial", None) is None


@pytest.mark.parametrize("n_rows", [20, 90, 200, 400, 550])
def test_what_is_kept_of_an_explanation_is_what_the_whole_would_have_said(n_rows):
    call = CALLS["explain"][0]
    whole = call(px.Predictor(Fails(10**9, None), batch_size=16))
    partial = stopped(call, n_rows, ConnectionError("dead")).partial or {}
    for name, one in partial.items():
        for found, expected in zip(one, whole[name], strict=False):
            assert (found.values == expected.values).all() and (found.stderr == expected.stderr).all()


def test_curves_that_were_finished_are_kept_whole():
    call, _ = CALLS["effects"]
    whole = call(px.Predictor(Fails(10**9, None), batch_size=16))
    partial = stopped(call, 2500, KeyboardInterrupt()).partial
    assert partial and any(partial.values())
    for name, curves in partial.items():
        for feature, curve in curves.items():
            np.testing.assert_array_equal(curve.values, whole[name][feature].values)


def fails_inside(n_rows, error):
    """A network that answers so many rows, then raises."""
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head, self.left = torch.nn.Conv2d(3, 4, 3), torch.nn.Linear(4, 2), n_rows

        def forward(self, x):
            self.left -= len(x)
            if self.left < 0:
                raise error
            return self.head(self.conv(x).relu().mean((2, 3)))

    return px.Predictor(Net().eval(), batch_size=8)


PHOTOS = [np.roll(PHOTO, n, axis=1) for n in range(12)]
MAPS = [["grad_cam", "random"], ["integrated_gradients"], ["score_cam"], ["guided_backprop"], ["lrp"], ["mask_optimisation"]]


@pytest.mark.parametrize("raised", [name for name in RAISED if name != "no memory"])
@pytest.mark.parametrize("maps", MAPS, ids="+".join)
def test_what_a_network_raises_while_it_is_looked_into_comes_out_as_it_was(maps, raised):
    pytest.importorskip("torch")
    error = RAISED[raised]()
    with pytest.raises(BaseException) as caught:
        px.baselines(maps, fails_inside(13, error), GRID, PHOTOS)
    assert caught.value is error


@pytest.mark.parametrize("kind", [StopIteration, GeneratorExit])
@pytest.mark.parametrize("maps", MAPS, ids="+".join)
def test_an_end_of_a_loop_that_a_network_raises_is_told(maps, kind):
    with pytest.raises(ValueError, match=rf"the model raised {kind.__name__}, .*Catch it in the model") as caught:
        px.baselines(maps, fails_inside(13, kind()), GRID, PHOTOS)
    assert isinstance(caught.value.__cause__, kind)


@pytest.mark.parametrize("raised", ["ValueError", "Ctrl-C", "needs arguments"])
def test_maps_that_were_finished_are_kept(raised):
    error = RAISED[raised]()
    with pytest.raises(type(error)) as caught:
        px.baselines(["grad_cam", "random"], fails_inside(20, error), GRID, PHOTOS)
    assert caught.value is error and 0 < len(error.partial["grad_cam"]) < 12


@pytest.mark.parametrize("raised", ["ValueError", "Ctrl-C", "no memory"])
def test_a_comparison_that_is_stopped_keeps_the_results_that_were_scored(raised):
    error, model = RAISED[raised](), Fails(10**9, None)
    predictor = px.Predictor(model, batch_size=16)
    found = px.explain(["kernel_shap", "lime"], predictor, space(), X[:6], budget=16)
    model.left, model.error = 300, error
    with pytest.raises(type(error)) as caught:
        px.compare(found, predictor, space())
    assert caught.value is error and hasattr(error, "partial")


@pytest.mark.parametrize("kind", [StopIteration, GeneratorExit])
@pytest.mark.parametrize("call", ["explain", "effects", "h_statistic", "predict"])
def test_an_end_of_a_loop_that_the_model_raises_is_told_and_ends_nothing_in_silence(call, kind):
    model = Fails(CALLS[call][1], kind())
    with pytest.raises(ValueError, match=rf"the model raised {kind.__name__}, .*Catch it in the model") as caught:
        CALLS[call][0](px.Predictor(model, batch_size=16))
    assert isinstance(caught.value.__cause__, kind)


@pytest.mark.parametrize("most", [1, 3, 100])
def test_the_size_that_fits_in_memory_is_found_once_and_kept(most):
    sizes = []

    def model(rows):
        sizes.append(len(rows))
        if len(rows) > most:
            raise MemoryError
        return rows.sum(axis=1)

    predictor = px.Predictor(model)
    px.explain(["kernel_shap", "permutation_shap", "ale"], predictor, space(20), X[:3], budget=16)
    failed = sum(size > most for size in sizes)
    assert failed <= 12 and predictor.plan["batch_size_halved_to"] <= most
    sizes.clear()
    px.effects(["pdp", "ale"], predictor, space(), X[:20])
    px.h_statistic(predictor, space(), X[:20])
    assert max(sizes) <= most  # not one more batch is lost to it


def test_a_row_alone_that_does_not_fit_is_asked_once():
    calls = []

    def model(rows):
        calls.append(len(rows))
        raise MemoryError("one row is too many")

    with pytest.raises(MemoryError, match="one row"):
        px.explain("kernel_shap", px.Predictor(model), space(), X[:3])
    assert calls == [1]
