"""What a device does with an explanation, and what faster plans give: rows, answers, memory and seconds.

    python experiments/device.py [promises] [plans] [overhead] [ahead] [memory] [--device cuda] [--out results/device]

promises  the tests of tests/cuda, which say what holds on a device
plans     EfficientNet-Lite0 as it is, in bfloat16, compiled, both, and on a CPU in ONNX Runtime, in turn in one process:
          images/s, what it costs to begin, the images from which that pays, and how far answers move at a photo's coalitions
overhead  explain() over the passes of its network alone, as many and in batches as large
ahead     pictures of the host's, with the next batch built and copied while one is computed, over one after the other
memory    the peak of ten times the coalitions over that of one, on a GPU

A GPU needs a few minutes for all of it. On a CPU the same runs at a small size, with two threads unless OMP_NUM_THREADS says
another number.
"""

from __future__ import annotations

import argparse
import copy
import csv
import functools
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import perturbxai as px
from perturbxai import assets

OUTPUTS = [281, 285]
FASTER: dict[str, dict[str, Any]] = {
    "bfloat16": {"precision": "bfloat16"},
    "compiled": {"compile": True},
    "compiled, bfloat16": {"compile": True, "precision": "bfloat16"},
}
TESTS = Path(__file__).parents[1] / "tests" / "cuda"
Line = tuple[str, str, str, float]
Pictures = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Size:
    """How much is asked: pictures a batch, a round, and rounds."""

    device: str
    batch: int
    pictures: int
    rounds: int

    @classmethod
    def of(cls, device: str) -> Size:
        return cls(device, 8, 24, 3) if device == "cpu" else cls(device, 256, 8192, 5)

    def wait(self) -> None:
        if self.device != "cpu":
            torch.cuda.synchronize()


def promises(size: Size) -> Iterator[Line]:
    command = [sys.executable, "-m", "pytest", "-q", str(TESTS), "-o", "addopts=", "--import-mode=importlib"]
    command += ["-m", "not slow" if size.device == "cpu" else "cuda"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", done.stdout.splitlines()[-1]):
        yield "promises", "tests/cuda", word, float(number)
    if done.returncode:
        print(done.stdout)


@functools.cache
def network() -> tuple[Any, Any]:
    return assets.efficientnet_lite0()


def masked(n: int) -> Pictures:
    """Coalitions of a photo's superpixels, as pictures."""
    photo = assets.photo("chelsea")
    (one,) = px.ImageSpace(n_segments=50, fill="blur").players(photo)
    z = np.random.default_rng(0).random((n, len(one.active) + 1)) < 0.5
    return np.where(z[:, one.player][..., None], one.picture, one.fill).astype(np.float32)


def predictor(size: Size, **options: Any) -> px.Predictor:
    net, transform = network()
    device = None if size.device == "cpu" else size.device
    return px.Predictor(net, output="logit", transform=transform, batch_size=size.batch, device=device, **options)


def session(size: Size) -> px.Predictor | None:
    """The network in ONNX Runtime, where that is installed; of a CPU."""
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  # what torch exports with
    except ImportError:
        return None
    net, transform = network()
    found = torch.onnx.export(net, (torch.zeros(2, 3, 224, 224),), dynamic_shapes=({0: "n"},), verbose=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    assert found is not None
    made = onnxruntime.InferenceSession(found.model_proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return px.Predictor(made, transform=transform, batch_size=size.batch)


def timed(run: Callable[[], Any], size: Size, clock: Callable[[], float] = time.perf_counter) -> float:
    size.wait()
    began = clock()
    run()
    size.wait()
    return clock() - began


def plans(size: Size) -> Iterator[Line]:
    pictures = masked(size.pictures)
    asked = {"as it is": predictor(size)} | {name: predictor(size, **options) for name, options in FASTER.items()}
    began = time.perf_counter()
    if size.device == "cpu" and (other := session(size)) is not None:
        asked["onnxruntime"] = other
    start = {"onnxruntime": time.perf_counter() - began}
    for name, one in asked.items():  # what loads and compiles
        one(pictures[: 2 * size.batch])
        start.setdefault(name, one.plan.get("compile_seconds", 0.0))
    yield from moved(asked, pictures[: size.batch])
    clock = time.process_time if size.device == "cpu" else time.perf_counter
    seconds, spent = turns(asked, pictures, size, time.perf_counter), turns(asked, pictures, size, clock)
    each = {name: statistics.median(runs) / size.pictures for name, runs in seconds.items()}
    for name in asked:
        saved = each["as it is"] - each[name]
        yield "plans", name, "images/s", 1.0 / each[name]
        yield "plans", name, "times as fast", ratio(seconds, name)
        yield "plans", name, "times as fast, by busy seconds", ratio(spent, name)
        yield "plans", name, "seconds to begin", start[name]
        yield "plans", name, "images from which it pays", start[name] / saved if saved > 0 else float("inf")


def moved(asked: dict[str, px.Predictor], pictures: Pictures) -> Iterator[Line]:
    """How far answers lie from those of the network as it is, and differences between them as a share of their own size."""
    expected = asked["as it is"](pictures)
    spread = np.linalg.norm(expected - expected.mean(axis=0))
    for name, one in asked.items():
        apart = one(pictures) - expected
        yield "plans", name, "moved at most", float(np.abs(apart).max())
        yield "plans", name, "moved, of the spread", float(np.linalg.norm(apart - apart.mean(axis=0)) / spread)


def turns(
    asked: dict[str, px.Predictor], pictures: Pictures, size: Size, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Seconds by name and round, the names in turn: what else a machine does comes and goes."""
    found: dict[str, list[float]] = {name: [] for name in asked}
    for turn in range(size.rounds):
        for name in list(asked)[:: 1 if turn % 2 == 0 else -1]:
            found[name].append(timed(functools.partial(asked[name], pictures), size, clock))
    return found


def ratio(seconds: dict[str, list[float]], name: str) -> float:
    return statistics.median(plain / own for plain, own in zip(seconds["as it is"], seconds[name], strict=True))


def overhead(size: Size) -> Iterator[Line]:
    """explain() and the bare network, whose weights and pictures lie as the Predictor lays them."""
    bare = copy.deepcopy(network()[0]).to(size.device, memory_format=torch.channels_last)
    batch = torch.zeros(size.batch, 3, 224, 224, device=size.device).contiguous(memory_format=torch.channels_last)
    photo, space = assets.photo("chelsea"), px.ImageSpace(n_segments=50, fill="blur")
    one, budget = predictor(size), max(size.pictures, 112)

    def passes(n: int) -> None:
        with torch.inference_mode():
            for _ in range(n):
                bare(batch).cpu()

    for method in ("lime", "rise_smooth"):
        explained = functools.partial(px.explain, method, one, space, photo, outputs=OUTPUTS, budget=budget, seed=0)
        ratios = []
        for _ in range(size.rounds):
            rows, began = one.rows, one.seconds
            whole = timed(explained, size)
            n_batches, inside = (one.rows - rows) / size.batch, one.seconds - began
            full = max(1, int(n_batches))
            alone = timed(functools.partial(passes, full), size) * n_batches / full
            ratios.append((whole / alone, inside / alone))
        yield "overhead", method, "explain() over passes alone", statistics.median(r[0] for r in ratios[1:])
        yield "overhead", method, "model seconds over passes alone", statistics.median(r[1] for r in ratios[1:])


def ahead(size: Size) -> Iterator[Line]:
    pictures, one = masked(size.pictures), predictor(size)
    one(pictures[: size.batch])
    ratios = []
    for _ in range(size.rounds):
        runs = []
        for works in (True, False):
            one._ahead.works = works
            runs.append(timed(lambda: one(pictures), size))
        ratios.append(runs[1] / runs[0])
    yield "ahead", "pictures of the host", "times as fast", statistics.median(ratios)


def memory(size: Size) -> Iterator[Line]:
    if size.device == "cpu":  # experiments/overhead_photo.py has the host's
        return
    photo, space, peaks = assets.photo("chelsea"), px.ImageSpace(n_segments=50, fill="blur"), []
    for budget in (1000, 10_000):
        one = predictor(size)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        px.explain("lime", one, space, photo, outputs=OUTPUTS, budget=budget, seed=0)
        peaks.append(torch.cuda.max_memory_allocated())
    yield "memory", "ten times the coalitions", "peak, times", peaks[1] / peaks[0]
    yield "memory", "1,000 coalitions", "peak, MiB", peaks[0] / 2**20


PARTS: dict[str, Callable[[Size], Iterator[Line]]] = {
    "promises": promises, "plans": plans, "overhead": overhead, "ahead": ahead, "memory": memory,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; all if none is named")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", type=Path, default=Path("results/device"))
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"{', '.join(sorted(unknown))} is no part; expected {', '.join(PARTS)}")
    if given.device == "cpu":
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    began, size = time.perf_counter(), Size.of(given.device)
    given.out.mkdir(parents=True, exist_ok=True)
    with open(given.out / "device.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["part", "case", "figure", "value"])
        for part in given.parts or PARTS:
            for line in PARTS[part](size):
                writer.writerow(line)
                print(f"{line[0]:10} {line[1]:26} {line[2]:32} {line[3]:10.4g}", flush=True)
    where = torch.cuda.get_device_name() if given.device != "cpu" else "a CPU"
    print(f"{time.perf_counter() - began:.0f} s on {where}; written to {given.out / 'device.csv'}")


if __name__ == "__main__":
    main()
