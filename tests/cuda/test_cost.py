"""What a device has no room for is halved, memory follows the batch and not the budget, and the network is the cost."""

from __future__ import annotations

import gc
import statistics
import time

import numpy as np
import pytest
import torch
from samples import convolutional
from torch import nn

import perturbxai as px

PHOTO = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
SPACE = px.ImageSpace(segments="grid", n_segments=36, fill="mean")
FITS = 8


class Hungry(nn.Module):
    """A network that takes an eleventh of a GPU's memory for each row; on a CPU it says that more than 8 do not fit."""

    def forward(self, x):
        if x.device.type == "cpu":
            if len(x) > FITS:
                raise torch.OutOfMemoryError("CUDA out of memory")
        else:
            taken = torch.empty(len(x) * (torch.cuda.get_device_properties(x.device).total_memory // 11), dtype=torch.uint8,
                                device=x.device)  # fmt: skip
            del taken
        return x.mean(dim=(1, 2, 3))


def test_batches_that_do_not_fit_are_halved_and_the_answers_are_whole(device):
    gc.collect()
    predictor = px.Predictor(Hungry(), device=device, batch_size=32)
    pictures = np.random.default_rng(0).random((40, 8, 8, 3), dtype=np.float32)
    np.testing.assert_allclose(predictor(pictures)[:, 0], pictures.mean(axis=(1, 2, 3)), atol=1e-6)
    assert predictor.plan["batch_size_halved_to"] == FITS and predictor.retried_rows == 32 + 16
    assert predictor.rows == 40  # what did not fit is not counted
    predictor(pictures)
    assert predictor.retried_rows == 32 + 16  # the size is kept


def test_one_row_that_does_not_fit_is_the_network_s_own_error(device):
    class Greedy(nn.Module):
        def forward(self, x):
            if x.device.type == "cpu":
                raise torch.OutOfMemoryError("CUDA out of memory")
            return torch.empty(
                2 * torch.cuda.get_device_properties(x.device).total_memory, dtype=torch.uint8, device=x.device
            )

    predictor = px.Predictor(Greedy(), device=device, batch_size=4)
    with pytest.raises(torch.OutOfMemoryError):
        predictor(np.zeros((4, 2, 2, 3), dtype=np.float32))
    assert predictor.rows == 0


@pytest.mark.cuda
def test_memory_of_a_gpu_follows_the_batch_and_not_the_budget():
    peaks = []
    for budget in (300, 3000):
        predictor = px.Predictor(convolutional(), device="cuda", batch_size=64)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        px.explain("kernel_shap", predictor, SPACE, PHOTO, budget=budget, seed=0)
        peaks.append(torch.cuda.max_memory_allocated())
    assert peaks[1] <= 1.1 * peaks[0]


@pytest.mark.cuda
def test_an_explanation_takes_little_more_than_the_passes_of_its_network():
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    photo = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    net, n = models.resnet50(weights=None).eval(), 8192
    there = models.resnet50(weights=None).eval().to("cuda", memory_format=torch.channels_last)
    batch = torch.zeros(256, 3, 224, 224, device="cuda").contiguous(memory_format=torch.channels_last)
    predictor = px.Predictor(net, device="cuda", batch_size=256, outputs=[str(i) for i in range(1000)])
    ratios = []
    for _ in range(4):
        began = time.perf_counter()
        found = px.explain("lime", predictor, SPACE, photo, outputs=[0], budget=n, seed=0)["lime"]
        whole = time.perf_counter() - began
        began = time.perf_counter()
        with torch.inference_mode():
            for _ in range(n // 256):
                there(batch).cpu()
        ratios.append(whole / (time.perf_counter() - began) * n / found.meta["call_rows"])
    assert statistics.median(ratios[1:]) <= 1.05  # the first loads and compiles
