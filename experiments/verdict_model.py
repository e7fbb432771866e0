"""The network of the verdict, asked for values and looked into."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from photos import Photo

import perturbxai as px
from perturbxai import assets

OUTPUTS = ("logit", "probability")
BATCH = 8  # rows that the network gets at once
SIDES = {"efficientnet_lite0": 224, "efficientnet_lite1": 240}  # pixels a side, by network
TITLES = {"efficientnet_lite0": "EfficientNet-Lite0", "efficientnet_lite1": "EfficientNet-Lite1"}


def check_folder(network: str, folder: Path) -> None:
    """Cells of two networks must not lie in one folder. Raises SystemExit."""
    if others := [path.stem for path in folder.glob("*.onnx") if path.stem != network]:
        raise SystemExit(f"{folder} holds results of {', '.join(others)}; name another folder by --out.")


@cache
def networks(network: str, folder: Path) -> tuple[Any, Any, Any, Any]:
    """The network whose inside is looked at, the same with its probabilities behind its logits, a session of onnxruntime
    that answers as this does at half the time, and the transform of pictures."""
    import onnxruntime
    import torch

    class Both(torch.nn.Module):
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Any) -> Any:
            logits = self.inner(x)
            return torch.cat([logits, logits.softmax(dim=1)], dim=1)

    torch.set_num_threads(1)
    net, transform = getattr(assets, network)()
    both, path = Both(net).eval(), folder / f"{network}.onnx"
    if not path.exists():
        export(both, path, SIDES[network])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return net, both, onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]), transform


def export(net: Any, path: Path, side: int) -> None:
    """Write the network for onnxruntime, whole or not at all."""
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        torch.onnx.export(
            net, (torch.zeros(2, 3, side, side),), str(fresh), input_names=["x"], output_names=["y"],
            dynamic_shapes={"x": {0: torch.export.Dim("n")}}, external_data=False, verbose=False,
        )  # fmt: skip
    fresh.rename(path)


@dataclass(frozen=True)
class Asked:
    """A photo's class by the network, and what is asked of it: values by `values`, looks inside by `inside`."""

    number: int
    probability: float
    values: px.Predictor
    inside: px.Predictor
    whole: px.Predictor


def asked(photo: Photo, network: str, folder: Path) -> Asked:
    """The class is the one that the network finds likeliest."""
    net, both, session, transform = networks(network, folder)
    answers = px.Predictor(session, transform=transform)(photo.picture[None])[0]
    number = int(answers[:1000].argmax())

    def own(values: Any) -> Any:
        return values[:, [number, 1000 + number]]

    def logit(values: Any) -> Any:
        return values[:, [number]]

    values, whole = (
        px.Predictor(one, transform=transform, select=own, outputs=OUTPUTS, batch_size=BATCH) for one in (session, both)
    )
    inside = px.Predictor(net, transform=transform, select=logit, outputs=OUTPUTS[:1], output="raw", batch_size=BATCH)
    return Asked(number, float(answers[1000 + number]), values, inside, whole)
