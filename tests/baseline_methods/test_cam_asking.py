"""Score-CAM and Ablation-CAM: what they ask, in whatever chunks, and the formulas of their papers."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from costs import own_rows
from picture_nets import Counting, Deep, Flat, Joined, Pooled, Tokens, cut, explained, picture, seeded
from torch.nn import functional as F

import perturbxai as px
from perturbxai.core import catalogue

hooks = importlib.import_module("perturbxai.baseline_methods.views")


def raw(method, net, **options):
    (found,) = explained([method], net, **options).values()
    return found.meta["map"]


def score_cam(net, x, fill):
    """(K, h, w), channel by channel: the picture seen through each, enlarged by torch."""
    activations, _, _ = cut(net, x)
    scores = []
    for channel in activations:
        mask = F.interpolate(torch.as_tensor(channel)[None, None], x.shape[:2], mode="bilinear")[0, 0].numpy()
        mask = (mask - mask.min()) / (np.ptp(mask) or 1.0)
        seen = mask[..., None] * x + (1.0 - mask[..., None]) * fill
        with torch.no_grad():
            scores.append(net(torch.as_tensor(seen, dtype=torch.float32).permute(2, 0, 1)[None])[0].double().numpy())
    odds = np.exp(np.array(scores))
    return np.tensordot((odds / odds.sum(axis=0)).T, activations, axes=1)


@pytest.mark.parametrize("make", [Pooled, Flat, Deep])
@pytest.mark.parametrize("fill", [0.0, 0.5])
def test_score_cam_is_the_softmax_of_the_picture_seen_through_each_channel(make, fill):
    net, x = seeded(make), picture()
    found = raw(px.ScoreCam(signed=True), net, fill=fill)
    np.testing.assert_allclose(found, score_cam(net, x, fill), atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 2, 16])
def test_score_cam_does_not_depend_on_the_batch(batch_size):
    net = seeded(Flat)
    found, other = (raw("score_cam", net, predictor={"batch_size": size}) for size in (batch_size, None))
    np.testing.assert_allclose(found, other, atol=1e-6)  # a float32 network


def test_score_cam_has_an_answer_for_a_constant_channel_and_asks_no_row_for_it():
    net = seeded(Flat)
    with torch.no_grad():
        net.body.weight[1] = 0.0
        net.body.bias[1:2] = torch.tensor([0.7])
    found = explained(["score_cam"], net, fill=0.2)["score_cam"]
    np.testing.assert_allclose(found.meta["map"], score_cam(net, picture(), 0.2), atol=1e-6)
    assert own_rows(found) == 1 + 3
    # v(nothing), the search for the layer, the picture with v(N), three channels
    assert found.meta["call_rows"] == 1 + 2 + 3


def test_two_score_cams_ask_once():
    found = explained([px.ScoreCam(), px.ScoreCam(signed=True)], seeded(Flat))
    assert next(iter(found.values())).meta["call_rows"] == 1 + 2 + 4


def test_score_cam_knows_of_the_fill_and_says_so():
    net = seeded(Flat)
    assert np.abs(raw("score_cam", net, fill=0.0) - raw("score_cam", net, fill=1.0)).max() > 1e-4
    assert "score_cam" not in catalogue.FILL_FREE


def test_score_cam_asks_on_the_scale_that_it_says():
    net = seeded(Flat)
    found = explained(["score_cam"], net, predictor={"output": "probability"}, score="probability")["score_cam"]
    assert found.meta["score"] == "probability"
    assert np.abs(found.meta["map"] - raw("score_cam", net)).max() > 1e-4
    asked = []
    net.register_forward_pre_hook(lambda *_: asked.append(1))
    with pytest.raises(ValueError, match="score_cam asks the predictor, whose output is 'probability', but score='logit'"):
        explained(["score_cam"], net, predictor={"output": "probability"})
    with pytest.raises(ValueError, match=r"score='probability'; make it Predictor\(output='probability'\)"):
        explained(["score_cam"], net, score="probability")
    assert not asked


# ------------------------------------------------------------------------------------------------ ablation


def ablation_cam(net, x):
    """(K, h, w), channel by channel: the whole network on the whole picture, with a hook of its own on the last map."""
    activations, scores = ablated(net, x, None)
    drops = [(scores - ablated(net, x, k)[1]) / np.abs(scores) for k in range(len(activations))]
    return np.tensordot(np.array(drops).T, activations, axes=1)


def ablated(net, x, channel):
    kept = []

    def put(_module, _given, out):
        if out.shape[2] < x.shape[0]:  # the activation after the convolution with a stride
            out = out.clone()
            if channel is not None:
                out[:, channel] = 0.0
            kept.append(out)
        return out

    handle = net.act.register_forward_hook(put)
    with torch.no_grad():
        scores = net(torch.as_tensor(x).permute(2, 0, 1)[None])[0].double().numpy()
    handle.remove()
    return kept[0][0].double().numpy(), scores


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("make", [Pooled, Deep, Counting, Joined])
def test_ablation_cam_is_what_the_score_loses_with_each_channel(make, side):
    """Networks that take many maps after one picture, that count their pictures, and that read the picture elsewhere too:
    of a picture larger than a cut-out, the last must be shown the whole."""
    net, x = seeded(make), picture(3, side, side)
    found = raw(px.AblationCam(signed=True), net, x=x, layer="act#2" if make is Joined else "act#1")
    np.testing.assert_allclose(found, ablation_cam(net, x), atol=1e-5)


@pytest.mark.parametrize("make", [Pooled, Counting, Joined])
@pytest.mark.parametrize("size", [1, 5000, 1 << 24])
def test_ablation_cam_does_not_depend_on_the_chunks(make, size, monkeypatch):
    net, layer = seeded(make), "act#2" if make is Joined else None
    expected = raw("ablation_cam", net, layer=layer)
    monkeypatch.setattr(hooks, "CHUNK_BYTES", size)
    for batch_size in (1, 3, None):
        found = raw("ablation_cam", net, layer=layer, predictor={"batch_size": batch_size})
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_ablation_cam_on_a_pooled_linear_network_is_the_mean_times_the_weight():
    net = seeded(Pooled)
    activations, gradients, scores = cut(net)
    weights = gradients.sum(axis=(2, 3)) * activations.mean(axis=(1, 2)) / np.abs(scores)[:, None]
    expected = np.tensordot(weights, activations, axes=1)
    np.testing.assert_allclose(raw(px.AblationCam(signed=True), net), expected, atol=1e-5)


def test_a_channel_of_zeros_is_not_asked_for():
    net = seeded(Counting)
    with torch.no_grad():
        net.second.weight[:4] = 0.0
        net.second.bias.copy_(torch.tensor([-1.0, -1.0, -1.0, -1.0, 1.0, 1.0]))
    # the picture; one picture for all channels, which this network refuses; a cut-out for the picture's own map and two more
    assert own_rows(explained(["ablation_cam"], net)["ablation_cam"]) == 1 + 1 + 3


def test_a_pass_serves_many_channels_where_the_network_allows_it():
    rows = {
        make: own_rows(explained(["ablation_cam"], seeded(make), layer=layer)["ablation_cam"])
        for make, layer in ((Pooled, None), (Joined, "act#2"))
    }
    assert rows[Pooled] == 1 + 1
    assert rows[Joined] > 6


def test_ablation_cam_of_a_negative_score_is_not_turned_round():
    """What a score loses is counted in its size, so that two classes that differ by a constant have maps alike in sign."""
    net = seeded(Pooled)
    with torch.no_grad():
        net.head.weight[1] = net.head.weight[0]
        net.head.bias[:2] = torch.tensor([5.0, -5.0])
    found = raw(px.AblationCam(signed=True), net)
    assert np.corrcoef(found[0].ravel(), found[1].ravel())[0, 1] > 0.999


@pytest.mark.parametrize("name", ["score_cam", "ablation_cam"])
def test_tokens_are_asked_about_as_maps_are(name):
    assert raw(name, seeded(Tokens)).shape == (3, 4, 4)
