"""Rows made on a device: the host's to the bit where masks are hard, and only masks travel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from samples import RNG, X, seeded
from torch import nn

import perturbxai as px
from perturbxai.core.questions import PixelMasks
from perturbxai.models import image_plan as module
from perturbxai.models import masks
from perturbxai.models.image_plan import ImagePlan, Masked, recast
from perturbxai.models.plan import Given

SHAPE = (24, 32, 3)
PHOTO = RNG.integers(0, 256, SHAPE, dtype=np.uint8)
SPACE = px.ImageSpace(segments="grid", n_segments=12, fill="blur")


class Sees(nn.Module):
    """A network that keeps what it was handed, in the order in which it came."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        self.seen.append(x.cpu().clone())
        return x.mean(dim=(2, 3))


def pieces(soft, pixels="float32"):
    rng = np.random.default_rng(1)
    player = rng.integers(0, 7, SHAPE[:2], dtype=np.int32)
    found = []
    for seed in range(3):
        picture, fill = (np.random.default_rng([seed, way]).integers(0, 256, SHAPE).astype(pixels) for way in (0, 1))
        opacity = rng.choice([0.0, 1.0, 0.3, 0.999], (5, 7)).astype(np.float32)
        found.append(Masked(picture, fill, player, opacity if soft else opacity > 0.5))
    return found


@pytest.mark.parametrize("pixels", ["float32", "uint8"])
@pytest.mark.parametrize("layout", ["HWC", "CHW"])
def test_rows_of_hard_masks_are_the_host_s_to_the_bit(device, layout, pixels):
    plan = ImagePlan(pieces(False, pixels), layout)
    found = plan.device(2, 13, torch.device(device))
    assert found.device.type == device and found.cpu().numpy().dtype == pixels
    np.testing.assert_array_equal(found.cpu().numpy(), plan.host(2, 13))


def test_rows_of_hard_masks_keep_what_is_no_number(device):
    (piece, *_) = pieces(False)
    for array, odd in ((piece.picture, np.nan), (piece.fill, -np.inf)):
        array[::3, ::2] = odd
    plan = ImagePlan([piece])
    found = plan.device(0, 5, torch.device(device)).cpu().numpy()
    np.testing.assert_array_equal(found.view(np.uint8), plan.host(0, 5).view(np.uint8))


def test_rows_of_opacities_are_within_a_millionth_of_the_range(device):
    plan = ImagePlan(pieces(True))
    found = plan.device(0, 15, torch.device(device)).cpu().numpy()
    assert np.abs(found - plan.host(0, 15)).max() <= 255e-6


@pytest.mark.parametrize("pixels", ["float32", "uint8"])
def test_pictures_that_are_given_arrive_as_they_are(device, pixels):
    pictures = np.stack([PHOTO[::-1]] * 3).astype(np.float32)
    for layout in ("HWC", "CHW"):
        found = recast(Given(pictures), pixels, layout).device(1, 3, torch.device(device))
        assert found.device.type == device
        np.testing.assert_array_equal(found.cpu().numpy(), pictures[1:].astype(pixels))


def test_the_network_sees_the_same_rows_in_the_same_order_on_either_path(device):
    seen = []
    for place in (None, device):
        net = Sees()
        predictor = px.Predictor(net, device=place, batch_size=16)
        px.explain("kernel_shap", predictor, SPACE, [PHOTO, PHOTO[::-1]], budget=60, seed=0)
        with predictor.network() as lent:
            seen.append(torch.cat([batch for one in {id(n): n for n in (net, lent._net)}.values() for batch in one.seen]))
    np.testing.assert_array_equal(*(one.numpy() for one in seen))


def test_only_masks_travel_once_a_picture_is_there(device, monkeypatch):
    travelled, resident = [], module.resident
    monkeypatch.setattr(module, "resident", lambda array, place: travelled.append(array) or resident(array, place))
    net = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    found = px.explain("kernel_shap", px.Predictor(net, device=device), SPACE, PHOTO, budget=200, seed=0)["kernel_shap"]
    rows = [array for array in travelled if array.dtype == bool]
    assert {array.shape[1] for array in rows} == {13}
    assert sum(map(len, rows)) == found.meta["call_rows"] - 1  # the photo itself is asked as it is
    assert len(travelled) - len(rows) == 3  # picture, fill and player


def test_smooth_masks_are_made_on_the_device(device, monkeypatch):
    monkeypatch.setattr(masks.Described, "__getitem__", lambda *_: pytest.fail("rows were masked on the host"))
    net = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    px.explain("rise_smooth", px.Predictor(net, device=device), SPACE, PHOTO, budget=40, seed=0)


def test_smooth_masks_are_the_host_s_within_a_millionth(device):
    question = PixelMasks(
        RNG.random((6, 4, 5)), RNG.integers(0, 8, (6, 2)), RNG.random((40, 4)) / 4, RNG.random((40, 5)) / 5
    )  # fmt: skip
    described = masks.Described(question, 24, 32)
    found = described.on(slice(1, 6), torch.device(device))
    np.testing.assert_allclose(found.cpu().numpy(), described[slice(1, 6)], atol=1e-6)


def test_tables_keep_their_float64(device):
    net = seeded(lambda: nn.Linear(3, 2)).double()
    found = px.Predictor(net, device=device)(X)
    weight, bias = (tensor.detach().numpy() for tensor in net[0].parameters())
    np.testing.assert_allclose(found, X @ weight.T + bias, rtol=1e-12, atol=1e-12)
