"""Baselines by steps: what `baselines` finds, whatever was found before."""

from __future__ import annotations

import joblib
import numpy as np
import pytest
from kept_steps import Killed, Notebook

import perturbxai as px
from perturbxai.calls import steps
from perturbxai.calls.baselines_in_turn import baselines_in_turn
from perturbxai.models.predictor import ModelError

torch = pytest.importorskip("torch")
LOOKS = ["grad_cam", "cam_difference", "ablation_cam", "score_cam"]
MAPS = [*LOOKS, "gradient", "deconvnet", "guided_backprop", "random", "edges"]
ROUNDING = 1e-6  # of a network in float32, whose answers hang on their batches


def network():
    torch.manual_seed(0)
    parts = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    return torch.nn.Sequential(*parts, torch.nn.Linear(4, 3)).eval()


def pictures():
    """Two sizes, and one of them twice."""
    rng = np.random.default_rng(0)
    found = [rng.random((*size, 3)).astype(np.float32) for size in ((8, 8), (8, 8), (12, 8))]
    return [*found, found[0]]


def ask(step=None, methods=MAPS, net=None, **more):
    predictor = px.Predictor(net or network(), output="logit", batch_size=4)
    space = px.ImageSpace(segments="grid", n_segments=4, fill=more.pop("fill", 0.5))
    call = {"outputs": [0, 2], "n_jobs": None} | more
    if step is None:
        return px.baselines(methods, predictor, space, pictures(), **call)
    return baselines_in_turn(methods, predictor, space, pictures(), step, **call)


def test_rows_are_counted_as_they_were_asked_also_where_all_pictures_share_their_fill():
    predictor = px.Predictor(network(), output="logit", batch_size=4)
    for fill in (0.5, "mean"):
        space = px.ImageSpace(segments="grid", n_segments=4, fill=fill)
        before = predictor.rows
        found = baselines_in_turn(["cam_difference"], predictor, space, pictures(), steps.straight, outputs=[0])
        meta = found["cam_difference"].meta
        assert meta["rows"] == meta["call_rows"] == predictor.rows - before


def told(result):
    """What an undisturbed run and another have to say alike of a result."""
    ours = ("rows", "rows_once_a_call", "own_rows", "layer", "name")
    return {what: result.meta[what] for what in ours if what in result.meta}


def assert_alike(found, other, atol=0.0):
    assert list(found) == list(other)
    for key, result in found.items():
        assert told(result) == told(other[key]), key
        for one, its in zip(result, other[key], strict=True):
            assert (one.label, one.names, told(one)) == (its.label, its.names, told(its))
            for what in ("values", "stderr", "base", "prediction"):
                np.testing.assert_allclose(getattr(one, what), getattr(its, what), rtol=0, atol=atol)


@pytest.mark.parametrize("fill", [0.5, "mean"])
@pytest.mark.parametrize("methods", [MAPS, LOOKS, ["random", "centre"]], ids=["all", "looks", "controls"])
def test_maps_by_steps_are_those_of_one_call(methods, fill):
    by_steps = ask(steps.straight, methods, fill=fill)
    whole = ask(None, methods, fill=fill)
    if fill == 0.5 and "cam_difference" in methods:  # of the first two each looks at the fill that they share
        one, other = (found["cam_difference"].meta for found in (by_steps, whole))
        assert one["rows"] == other["rows"] + 1
        other["rows"] = one["rows"]
    assert_alike(by_steps, whole, ROUNDING)


def test_whatever_was_found_before_the_maps_are_the_same_to_the_bit():
    whole = Notebook()
    undisturbed = ask(whole)
    assert len(whole.kept) == 3  # of one picture that comes twice once
    for n_kept in range(4):
        later = whole.first(n_kept)
        assert_alike(ask(later), undisturbed)
        assert later.worked == list(whole.kept)[n_kept:]


def test_a_step_that_is_lost_is_done_again_alone():
    whole = Notebook()
    undisturbed = ask(whole)
    first, second, third = whole.kept.items()
    later = Notebook([first, third])
    assert_alike(ask(later), undisturbed)
    assert later.worked == [second[0]]


def test_a_kill_costs_one_picture_also_where_workers_share_them():
    alone = ask(Notebook())
    shared = Notebook(killed_at=2)
    with pytest.raises(Killed), joblib.parallel_config(backend="threading"):
        ask(shared, n_jobs=2)
    assert len(shared.kept) == 2
    later = Notebook(shared.kept)
    assert_alike(ask(later), alone)  # by one worker: the steps are the same
    assert len(later.worked) == 1


def test_a_model_that_fails_keeps_the_pictures_before():
    class Fails(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network()

        def forward(self, batch):
            if batch.shape[-2:] == (12, 8):
                raise ConnectionError("reset by peer")
            return self.inner(batch)

    with pytest.raises(ConnectionError) as stopped:
        ask(steps.straight, ["gradient"], Fails())
    assert [one.label for one in stopped.value.partial["gradient"]] == [0, 1, 3]  # the last is the first


def test_rows_of_a_table_go_by_the_hundred(monkeypatch):
    monkeypatch.setattr(steps, "ROWS_A_STEP", 2)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()
    X = np.random.default_rng(0).normal(size=(9, 3))
    methods = ["gradient", "integrated_gradients", "expected_gradients", "random"]

    def table(step):
        space = px.TabularSpace(X, background=4)
        return baselines_in_turn(methods, px.Predictor(net), space, [*X[:4], X[0]], step, outputs=None)

    whole = Notebook()
    undisturbed = table(whole)
    assert len(whole.kept) == 2
    assert_alike(table(whole.first(1)), undisturbed)
    found = px.baselines(methods, px.Predictor(net), px.TabularSpace(X, background=4), [*X[:4], X[0]])
    for key in methods:
        np.testing.assert_allclose(undisturbed[key].values, found[key].values, rtol=0, atol=1e-14)
        assert undisturbed[key].meta["rows_once_a_call"] == found[key].meta["rows_once_a_call"]


def test_what_is_not_finite_is_refused_as_in_one_call():
    net = network()
    with torch.no_grad():
        net[-1].bias[0] = float("nan")
    with pytest.raises(ModelError, match="returned nan"):
        ask(steps.straight, ["grad_cam"], net)
