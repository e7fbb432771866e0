"""What a map costs: one pass forward and one backwards for each output, the layer found once a Predictor, v(N) with it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from picture_nets import Pooled, explained, picture, seeded
from torch import nn

import perturbxai as px
from perturbxai.core import catalogue

LOOKING = ["grad_cam", "layer_cam", "eigen_cam", "score_cam", "ablation_cam", "cam", "cam_difference", "guided_grad_cam"]


class Passes(torch.autograd.Function):
    """Does nothing, and counts the passes backwards."""

    backwards = 0

    @staticmethod
    def forward(_, x):
        return x.clone()

    @staticmethod
    def backward(_, slope):
        Passes.backwards += 1
        return slope


class Recorder(Pooled):
    """Tells how many pictures each pass forward had."""

    def __init__(self, **options):
        super().__init__(**options)
        self.forwards = []

    def forward(self, x):
        self.forwards.append(len(x))
        return Passes.apply(super().forward(x))


@pytest.fixture
def used():
    """(net, predictor, space) of a network that was looked into before; its passes are counted from here on."""
    net = seeded(Recorder)
    predictor, space = px.Predictor(net, outputs=list("abc")), px.ImageSpace(segments="grid", n_segments=6, fill="mean")
    px.baselines("grad_cam", predictor, space, picture(9))
    return start(predictor), predictor, space


def start(predictor):
    Passes.backwards = 0
    net = predictor.network_model().passes.module()
    net.forwards = []
    return net


@pytest.mark.parametrize("outputs", [["a"], ["c", "a"], None])
def test_a_map_takes_one_pass_forward_and_one_backwards_for_each_output(used, outputs):
    net, predictor, space = used
    px.baselines("grad_cam", predictor, space, picture(), outputs=outputs)  # the layer of these outputs
    net, before = start(predictor), predictor.rows
    found = px.baselines(["grad_cam", "hires_cam"], predictor, space, picture(1), outputs=outputs)["grad_cam"]
    assert net.forwards == [1, 1]  # the fill, whose score is `base`, and the picture
    assert Passes.backwards == len(outputs or "abc")
    assert found.meta["rows"] == found.meta["call_rows"] == predictor.rows - before == 2
    assert found.meta["rows_once_a_call"] == {"v(nothing)": 1}


def test_the_fills_of_all_pictures_are_asked_together(used):
    net, predictor, space = used
    found = px.baselines("grad_cam", predictor, space, [picture(n) for n in range(4)])["grad_cam"]
    # the first tells what the outputs are
    assert net.forwards == [1, 3, 1, 1, 1, 1]
    assert found.meta["rows"] == sum(net.forwards)


@pytest.mark.parametrize("output", ["logit", "probability"])
@pytest.mark.parametrize("name", LOOKING)
def test_base_and_prediction_are_what_the_predictor_says(name, output):
    if name in catalogue.BY_RULES:
        pytest.importorskip("zennit")
    score = output if name == "score_cam" else "logit"
    found = explained([name], seeded(Pooled), predictor={"output": output}, score=score, fill=0.3, outputs=[2, 0])[name]
    predictor = px.Predictor(seeded(Pooled), output=output)
    x = picture()
    for told, asked in ((found.prediction, x), (found.base, np.full_like(x, 0.3))):
        np.testing.assert_allclose(told, predictor(asked[None])[:, [2, 0]], atol=1e-6)  # float32


def test_five_of_many_outputs_are_those_that_the_picture_has_highest():
    net = seeded(Pooled, classes=30)
    with pytest.warns(UserWarning, match="kept are"):
        found = explained(["grad_cam"], net, fill=0.0)["grad_cam"]
    scores = px.Predictor(net)(picture()[None])[0]
    assert found.outputs == tuple(str(k) for k in np.argsort(-scores)[:5])
    np.testing.assert_allclose(found.prediction[0], np.sort(scores)[::-1][:5], atol=1e-6)
    assert found.meta["rows"] == found.meta["call_rows"]


# ------------------------------------------------------------------------------------------------ the layer


def test_the_layer_is_found_anew_for_another_size_of_picture(used):
    _, predictor, space = used
    for side, searches in ((32, 0), (48, 1), (48, 0)):
        x = picture(1, side, side)
        found = px.baselines("grad_cam", predictor, space, x)["grad_cam"]
        assert found.meta["rows_once_a_call"].get("where the layer is", 0) == searches
        alone = px.baselines("grad_cam", px.Predictor(seeded(Recorder)), space, x)["grad_cam"]
        assert found.meta["layer"] == alone.meta["layer"]
        np.testing.assert_allclose(found.values, alone.values, atol=1e-6)


class Changing(Pooled):
    """The last map is behind one convolution more where `extra` says so, or where the picture is bright."""

    def __init__(self):
        super().__init__()
        self.third, self.extra, self.looks = nn.Conv2d(6, 6, 3, stride=2, padding=1), False, False

    def features(self, x):
        bright = self.looks and bool(x.mean() > 0.5)
        found = super().features(x)
        return self.third(found).relu() if self.extra or bright else found


CHANGES = {
    "a setting": lambda net: setattr(net, "extra", True),
    "a module": lambda net: setattr(net, "second", nn.Sequential(net.second, nn.Conv2d(6, 6, 3, stride=2, padding=1))),
    "weights": lambda net: nn.init.constant_(net.second.weight, 0.1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_layer_is_found_anew_where_the_network_has_changed(change):
    net = seeded(Changing)
    predictor, space = px.Predictor(net), px.ImageSpace(segments="grid", n_segments=6)
    px.baselines("grad_cam", predictor, space, picture())
    with torch.random.fork_rng():
        CHANGES[change](net)
    found = px.baselines("grad_cam", predictor, space, picture())["grad_cam"]
    fresh = px.baselines("grad_cam", px.Predictor(net), space, picture())["grad_cam"]
    assert found.meta["rows_once_a_call"]["where the layer is"] == 1
    np.testing.assert_allclose(found.meta["map"], fresh.meta["map"], atol=1e-6)


@pytest.mark.parametrize("first", [0.2, 0.8])
def test_the_layer_is_found_anew_where_another_picture_runs_other_operations(first):
    net = seeded(Changing)
    net.looks = True
    predictor, space = px.Predictor(net), px.ImageSpace(segments="grid", n_segments=6)
    one, other = (picture() * 0.3 + level - 0.15 for level in (first, 1.0 - first))
    px.baselines("grad_cam", predictor, space, one)
    before = predictor.rows
    found = px.baselines("grad_cam", predictor, space, other)["grad_cam"]
    fresh = px.baselines("grad_cam", px.Predictor(net), space, other)["grad_cam"]
    np.testing.assert_allclose(found.meta["map"], fresh.meta["map"], atol=1e-6)
    assert found.meta["rows"] == found.meta["call_rows"] == predictor.rows - before


def test_what_was_found_is_forgotten_with_the_predictor():
    from perturbxai.baseline_methods import inside

    before = len(inside._found)
    explained(["grad_cam"], seeded(Pooled))
    assert len(inside._found) <= before + 1
    import gc

    gc.collect()
    assert len(inside._found) <= before


class Forked(nn.Module):
    """Bright pictures take a further layer."""

    def __init__(self):
        super().__init__()
        self.first, self.further, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 2)

    def forward(self, x):
        h = torch.relu(self.first(x))
        if x.mean() > 0.5:
            h = torch.relu(self.further(h))
        return self.last(h.mean((2, 3)))


def test_maps_do_not_hang_on_what_a_predictor_saw_in_earlier_calls():
    torch.manual_seed(0)
    net, rng = Forked(), np.random.default_rng(0)
    dark, bright = rng.random((2, 12, 12, 3)).astype(np.float32) * 0.5 + np.array([0.0, 0.5], np.float32).reshape(2, 1, 1, 1)
    space = px.ImageSpace(segments="grid", n_segments=9, fill="mean")
    known = px.Predictor(net)

    def seen(predictor, photos):
        try:
            return np.array([one.values for one in px.baselines("grad_cam", predictor, space, photos)["grad_cam"]])
        except ValueError as error:  # a bright picture's map is not there in a dark one
            return type(error).__name__

    for photos in ([dark], [bright], [dark], [dark, bright], [bright], [bright, dark], [dark]):
        ours, fresh = (seen(one, photos) for one in (known, px.Predictor(net)))
        assert type(ours) is type(fresh)
        if isinstance(fresh, str):
            assert ours == fresh
        else:
            np.testing.assert_allclose(ours, fresh, atol=1e-6)
