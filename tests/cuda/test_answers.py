"""Answers of a device: one plan, one set of bits; plans apart by rounding; the caller's network as it was."""

from __future__ import annotations

import cloudpickle
import joblib
import numpy as np
import pytest
import torch
from picture_nets import Pooled
from samples import PICTURES, convolutional, dense, seeded, snapshot
from torch import nn

import perturbxai as px
from perturbxai.models import compilation
from perturbxai.models.ahead import Ahead

PHOTO = (255 * PICTURES[0]).astype(np.uint8)
SPACE = px.ImageSpace(segments="grid", n_segments=9, fill="mean")


def explained(net, methods="kernel_shap", **options):
    predictor = px.Predictor(net, **options)
    return px.explain(methods, predictor, SPACE, PHOTO, budget=200, seed=0), predictor


def close(found, expected):
    """Within 1e-5 of the range, which float32 networks are promised to keep across plans."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.ptp(expected))


def test_explanations_are_those_of_the_host_with_the_same_counts(device):
    net = convolutional()
    (there, predictor), (host, other) = explained(net, device=device), explained(net)
    close(there["kernel_shap"].values, host["kernel_shap"].values)
    assert (predictor.rows, predictor.plan["device"].partition(":")[0]) == (other.rows, device)
    assert predictor.plan["rows_built"] == "device" and other.plan["rows_built"] == "host"


def test_the_same_plan_gives_the_same_bits(device):
    found, again = (explained(convolutional(), ["lime", "rise"], device=device)[0] for _ in range(2))
    for method in found:
        np.testing.assert_array_equal(found[method].values, again[method].values)


@pytest.mark.parametrize("batch_size", [1, 7, 256])
def test_batches_of_any_size_agree(device, batch_size):
    found, expected = (explained(convolutional(), device=device, batch_size=size)[0] for size in (batch_size, 64))
    close(found["kernel_shap"].values, expected["kernel_shap"].values)


def test_a_network_that_lives_on_the_device_is_asked_there(device):
    net = convolutional().to(device)
    before = [(id(t), t.data_ptr(), t.device) for t in net.parameters()]
    found = px.Predictor(net)
    close(found(PICTURES), px.Predictor(convolutional())(PICTURES))
    assert found.plan["device"].partition(":")[0] == device
    assert [(id(t), t.data_ptr(), t.device) for t in net.parameters()] == before


class Fails(nn.Module):
    def forward(self, x):
        if len(x) > 3:
            raise ArithmeticError("no more than three")
        return x.flatten(1)[:, :2]


@pytest.mark.parametrize("make", [convolutional, lambda: nn.Sequential(convolutional(), Fails())], ids=["works", "fails"])
def test_the_network_and_the_random_states_are_as_they_were(device, make):
    net = make()
    before, drawn = snapshot(net), torch.random.get_rng_state()
    there = torch.cuda.get_rng_state() if device == "cuda" else None
    predictor = px.Predictor(net, device=device)
    try:
        predictor(PICTURES)
    except ArithmeticError:
        assert make is not convolutional
    assert snapshot(net) == before and torch.equal(torch.random.get_rng_state(), drawn)
    assert there is None or torch.equal(torch.cuda.get_rng_state(), there)


def test_a_number_that_is_none_is_named_by_its_row_and_output(device):
    class Odd(nn.Module):
        def forward(self, x):
            out = x.flatten(1)[:, :2].clone()
            out[x[:, 0, 0, 0] > 1.5] = torch.nan
            return out

    pictures = PICTURES.copy()
    pictures[6, 0, 0, 0] = 2.0
    with pytest.raises(px.ModelError, match="nan for row 6 of this request, output '0'") as caught:
        px.Predictor(Odd(), device=device, batch_size=4)(pictures)
    assert len(caught.value.partial) == 4


def test_maps_and_gradients_are_those_of_the_host(device):
    net, table = seeded(Pooled), seeded(lambda: nn.Linear(3, 4), nn.Tanh)
    maps = [
        px.baselines(["grad_cam", "layer_cam"], px.Predictor(net, device=place), SPACE, PHOTO, outputs=[0])
        for place in (device, None)
    ]
    for there, host in zip(*(one.values() for one in maps), strict=True):
        close(there.values, host.values)
    rows = PICTURES[:, 0, 0]
    close(*(px.Predictor(table, device=place).gradient(rows) for place in (device, None)))


def test_a_predictor_of_a_device_travels_and_is_shared_by_threads(device):
    predictor = px.Predictor(convolutional(), device=device)
    np.testing.assert_array_equal(cloudpickle.loads(cloudpickle.dumps(predictor))(PICTURES), predictor(PICTURES))
    photos = [PHOTO, PHOTO[::-1], PHOTO[:, ::-1]]
    one = px.explain("lime", predictor, SPACE, photos, budget=60, seed=0)["lime"]
    with joblib.parallel_config(backend="threading"):
        several = px.explain("lime", predictor, SPACE, photos, budget=60, seed=0, n_jobs=2)["lime"]
    close(several.values, one.values)


# ------------------------------------------------------------------------------------------------ faster plans


def check_moved(predictor, rows, expected, most):
    """A faster plan's answers are near, and what it tells of the first rows is what they moved by."""
    found = predictor(rows)
    np.testing.assert_allclose(found, expected, rtol=0, atol=most)
    told = predictor.plan["moved"]
    assert told["rows"] == 8 and told["most"] == pytest.approx(np.abs(found - expected)[:8].max(), abs=1e-6)


@pytest.mark.parametrize("make", [convolutional, dense], ids=["pictures", "table"])
def test_bfloat16_tells_how_far_it_moves_answers(device, make):
    net, rows = make(), PICTURES if make is convolutional else PICTURES[:, 0, 0]
    predictor = px.Predictor(net, device=device, precision="bfloat16", batch_size=8)
    check_moved(predictor, rows, px.Predictor(net)(rows), 0.05)
    assert predictor.plan["precision"] == "bfloat16"


@pytest.mark.parametrize("precision", [None, "bfloat16"])
def test_compiled_networks_tell_how_far_they_move_answers(device, precision, monkeypatch):
    if device == "cpu":  # its compiler has a test of its own
        monkeypatch.setattr(compilation, "BACKEND", "eager")
    net = convolutional()
    predictor = px.Predictor(net, device=device, precision=precision, compile=True, batch_size=8)
    check_moved(predictor, PICTURES, px.Predictor(net)(PICTURES), 0.05 if precision else 1e-5)
    assert predictor.plan["compiled"] and predictor.plan["compile_seconds"] > 0.0


# ------------------------------------------------------------------------------------------------ built ahead


@pytest.mark.parametrize("pixels", ["float32", "uint8"])
def test_batches_built_ahead_give_the_bits_of_batches_built_in_turn(device, pixels):
    pictures = np.random.default_rng(0).integers(0, 256, (300, 12, 12, 3)).astype(np.float32)
    answers = []
    for works in (True, False):
        predictor = px.Predictor(convolutional(), device=device, pixels=pixels, batch_size=16)
        predictor._ahead.works = works
        answers.append(predictor(pictures))
    np.testing.assert_array_equal(*answers)


@pytest.mark.cuda
def test_copies_to_a_gpu_are_pinned_and_beside_what_it_computes(monkeypatch):
    pinned, streams = [], []
    pin, prepare = torch.Tensor.pin_memory, Ahead._beside
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda one, *a: pinned.append(len(one)) or pin(one, *a))

    def beside(ahead):
        streams.append(ahead)
        return prepare(ahead)

    monkeypatch.setattr(Ahead, "_beside", beside)
    predictor = px.Predictor(convolutional(), device="cuda", batch_size=3)
    predictor(PICTURES)
    assert pinned == [3, 3, 3] and len(streams) == 2
    assert predictor._ahead._stream != torch.cuda.default_stream()
