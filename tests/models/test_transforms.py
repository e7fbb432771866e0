"""A transform as torchvision and its users write it gives the network what one by hand gives, or is refused in words."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import perturbxai as px

T = pytest.importorskip("torchvision.transforms", reason="torchvision is not installed")
v2 = pytest.importorskip("torchvision.transforms.v2", reason="torchvision is not installed")
models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")

MEAN, STD, SIDE = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 224
BYTES = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3)).astype(np.uint8)
UNITS = {"bytes": BYTES, "numbers of 0..255": BYTES.astype(np.float32), "shares": (BYTES / 255.0).astype(np.float32)}
SCALED = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
TAKEN = {
    "a preset": lambda: models.ResNet18_Weights.DEFAULT.transforms(),
    "one whose sizes agree": lambda: models.ViT_B_16_Weights.IMAGENET1K_SWAG_LINEAR_V1.transforms(),
    "of PIL": lambda: T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)]),
    "of PIL, cropping": lambda: T.Compose([T.Resize(256), T.CenterCrop(SIDE), T.ToTensor(), T.Normalize(MEAN, STD)]),
    "the second version": lambda: v2.Compose(SCALED),
    "the second version, cropping": lambda: v2.Compose([v2.Resize(256), v2.CenterCrop(SIDE), *SCALED]),
    "a sequence": lambda: nn.Sequential(T.ConvertImageDtype(torch.float32), T.Normalize(MEAN, STD)),
    "a function of PIL": lambda: lambda image: T.functional.normalize(T.functional.to_tensor(image), MEAN, STD),
    "a function of tensors": lambda: _of_tensors,
}


def _of_tensors(batch):
    assert batch.shape[-3] == 3, "channels first"
    shares = batch.float() / (255.0 if batch.dtype == torch.uint8 else 1.0)
    return (shares - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


class Shown(nn.Module):
    """Gives the network's input itself, a few of its places."""

    def forward(self, x):
        assert x.shape[1:] == (3, SIDE, SIDE)
        return x[:, :, ::37, ::37].flatten(1)


def by_hand(pictures):
    shares = pictures.astype(np.float64) / (255.0 if pictures.max() > 1 else 1.0)
    return ((shares - MEAN) / STD).transpose(0, 3, 1, 2)[:, :, ::37, ::37].reshape(len(pictures), -1)


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("what", TAKEN)
def test_a_transform_of_torchvisions_kind_gives_what_one_by_hand_gives(what, units, device):
    predictor = px.Predictor(Shown(), transform=TAKEN[what](), device=device)
    np.testing.assert_allclose(predictor(UNITS[units]), by_hand(UNITS[units]), rtol=0, atol=2e-6)
    told = predictor.plan["transform"]
    assert any(form in told for form in ("tensors", "PIL pictures", "arrays"))
    assert ("left out" in told) == ("preset" in what or "cropping" in what)


def test_a_call_says_how_the_pictures_were_handed_over():
    net = nn.Sequential(nn.Conv2d(3, 4, 7, stride=16), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    space = px.ImageSpace(segments="grid", n_segments=4, fill="blur")
    found = []
    for transform in (TAKEN["a preset"](), lambda batch: ((np.floor(batch + 0.5) / 255.0 - MEAN) / STD).astype(np.float32)):
        predictor = px.Predictor(net.eval(), transform=transform)
        one = px.explain("kernel_shap", predictor, space, BYTES[0])["kernel_shap"]
        maps = px.baselines(["grad_cam", "gradient"], predictor, space, BYTES[0])
        found.append((one, maps))
    (one, maps), (other, others) = found
    assert "resizing and cropping left out" in one.meta["plan"]["transform"] and "transform" not in other.meta["plan"]
    for this, that in ((one, other), *((maps[name], others[name]) for name in maps)):
        np.testing.assert_allclose(this.values, that.values, rtol=0, atol=1e-5 * np.ptp(that.values))


def test_numbers_around_whole_ones_are_rounded_as_pictures_are():
    predictor = px.Predictor(Shown(), transform=TAKEN["of PIL"]())
    np.testing.assert_allclose(predictor(np.minimum(BYTES + np.float32(0.4), 255.3)), by_hand(BYTES), rtol=0, atol=2e-6)


MOVING = {
    "a flip": T.Compose([T.RandomHorizontalFlip(1.0), T.ToTensor()]),
    "perhaps a flip": T.Compose([T.RandomHorizontalFlip(), T.ToTensor()]),
    "a random crop": T.Compose([T.RandomResizedCrop(SIDE), T.ToTensor()]),
    "random colours": T.Compose([T.ColorJitter(0.4), T.ToTensor()]),
    "a function that crops": lambda image: T.ToTensor()(T.functional.resize(T.functional.center_crop(image, 200), SIDE)),
    "padding and a crop": T.Compose([T.Pad(8), T.CenterCrop(208), T.Resize(SIDE), T.ToTensor(), T.RandomVerticalFlip(1.0)]),
}


@pytest.mark.parametrize("what", MOVING)
def test_a_transform_that_moves_pixels_is_refused(what):
    with pytest.raises(ValueError, match=r"transform moves the pixels of a picture of 224 x 224.*px\.fit"):
        px.Predictor(Shown(), transform=MOVING[what])(BYTES)


@pytest.mark.parametrize("what", ["a preset", "of PIL, cropping", "the second version, cropping"])
def test_a_transform_to_another_size_is_refused_with_the_way_out(what):
    with pytest.raises(ValueError, match=r"transform changed the size: pictures of 64 x 64 became .*224.*px\.fit"):
        px.Predictor(Shown(), transform=TAKEN[what]())(BYTES[:, :64, :64])


NOT_TAKEN = {
    "shares wanted": (T.Normalize(MEAN, STD), r"pictures of 0\.\.255 in none of these ways: uint8 tensors.*ToTensor\(\)"),
    "weights": (models.ResNet18_Weights.DEFAULT, r"no function of pictures.*weights\.transforms\(\)"),
    "nothing": ("imagenet", "no function of pictures"),
    "pictures back": (lambda image: image.rotate(0), "rotate"),
}


@pytest.mark.parametrize("what", NOT_TAKEN)
def test_what_cannot_be_handed_over_is_refused_in_words(what):
    transform, told = NOT_TAKEN[what]
    with pytest.raises((TypeError, AttributeError), match=told):
        px.Predictor(Shown(), transform=transform)(BYTES)


def test_statistics_of_whole_numbers_are_taken_as_they_are():
    transform = T.Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])
    found = px.Predictor(Shown(), transform=transform)(UNITS["numbers of 0..255"])
    np.testing.assert_allclose(found, by_hand(BYTES), rtol=0, atol=1e-5)


def test_pictures_of_two_units_are_not_handed_over_alike():
    predictor = px.Predictor(Shown(), transform=TAKEN["of PIL"]())
    predictor(UNITS["shares"])
    with pytest.raises(ValueError, match=r"handed pictures in 0\.\.1, as the first was, but here values run from 0 to 255"):
        predictor(UNITS["numbers of 0..255"])


def test_the_error_of_a_transform_of_batches_stays_its_own():
    def broken(_):
        raise ValueError("the transform's own")

    with pytest.raises(ValueError, match="the transform's own"):
        px.Predictor(Shown(), transform=broken)(BYTES)


def test_a_function_of_batches_is_asked_once_a_batch():
    seen = []

    def transform(batch):
        seen.append(batch.shape)
        return batch.transpose(0, 3, 1, 2)

    predictor = px.Predictor(Shown(), transform=transform, batch_size=1)
    predictor(UNITS["shares"])
    assert seen == [(1, SIDE, SIDE, 3)] * 2 and "transform" not in predictor.plan
