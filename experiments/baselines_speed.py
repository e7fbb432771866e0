"""What baselines cost beside their peers: seconds of theirs over seconds of ours.

    python experiments/baselines_speed.py [--parts maps trees masks] [--photos 1 4] [--rows 100 500] [--repeats 3]
        [--threads 2] [--out results/baselines_speed]

maps    grad_cam, score_cam and ablation_cam of EfficientNet-Lite0 against captum's LayerGradCam and pytorch-grad-cam's
trees   glass_box of forests and boosted trees against shap.TreeExplainer(feature_perturbation="interventional")
masks   sliding_occlusion and rise against captum's Occlusion and FeatureAblation over as many masks
Ours and theirs alternate, and medians are compared, for other programs on the machine disturb both alike. Ours has the
score of the fill with a map, which is a pass more of each picture. Score-CAM and Ablation-CAM are of a map of 112 channels,
where the last map has 1,280. Needs captum, grad-cam and shap.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

Run = Callable[[], Any]
Case = tuple[str, str, int, Run, Run]  # ours, peer, how many inputs, what to run of both

PHOTO = 281  # a tabby cat
STRIDE = 28  # pixels, of windows of 56
LINE = "{method:32} {peer:28} {inputs:4} {seconds:9.3f} s {peer_seconds:9.3f} s {speed:6.2f} x"
BLOCK = 10  # the number of the block whose map has 112 of them


def network(threads: int) -> tuple[Any, Any, Any, Any]:
    """(net, predictor, space, photos (n) -> list) of EfficientNet-Lite0, and photos that all differ."""
    import torch

    import perturbxai as px
    from perturbxai import assets

    torch.set_num_threads(threads)
    net, transform = assets.efficientnet_lite0()
    own = assets.photo("chelsea")

    def photos(n: int) -> list[Any]:
        return [np.roll(own, 5 * number, axis=1) for number in range(n)]

    return net, px.Predictor(net, output="logit", transform=transform), px.ImageSpace(n_segments=50, fill="blur"), photos


def maps(given: argparse.Namespace) -> Iterator[Case]:
    """Class activation maps of the last map."""
    import torch
    from captum.attr import LayerGradCam
    from pytorch_grad_cam import AblationCAM, GradCAM, ScoreCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    import perturbxai as px

    net, predictor, space, photos = network(given.threads)

    def ours(method: str, n: int, layer: str | None = None) -> Run:
        return lambda: px.baselines(method, predictor, space, photos(n), outputs=[PHOTO], layer=layer)

    def theirs(method: Any, n: int, layer: Any = None) -> Run:
        batch = torch.cat([predictor.tensor(photo[None]) for photo in photos(n)]).contiguous()

        def run() -> None:
            with method(net, [layer or net._bn1]) as cam:
                cam.batch_size = 8
                cam(input_tensor=batch, targets=[ClassifierOutputTarget(PHOTO)] * n)

        return run

    for n in given.photos:
        batch = torch.cat([predictor.tensor(photo[None]) for photo in photos(n)]).contiguous()
        captum = LayerGradCam(net, net._bn1)
        yield "grad_cam", "captum.LayerGradCam", n, ours("grad_cam", n), partial(captum.attribute, batch, PHOTO)
        yield "grad_cam", "pytorch_grad_cam.GradCAM", n, ours("grad_cam", n), theirs(GradCAM, n)
    early = net._blocks[BLOCK]._bn2
    for n in given.photos[:1]:
        for name, peer in (("score_cam", ScoreCAM), ("ablation_cam", AblationCAM)):
            yield (
                name,
                f"pytorch_grad_cam.{peer.__name__}",
                n,
                ours(name, n, f"_blocks.{BLOCK}._bn2"),
                theirs(peer, n, early),
            )


def masks(given: argparse.Namespace) -> Iterator[Case]:
    """Windows and random masks."""
    import torch
    from captum.attr import FeatureAblation, Occlusion

    import perturbxai as px

    net, predictor, space, photos = network(given.threads)

    def each(n: int, run: Callable[[Any], Any]) -> Run:
        batches = [predictor.tensor(photo[None]).contiguous() for photo in photos(n)]

        def all_of_them() -> None:
            with torch.no_grad():
                for batch in batches:
                    run(batch)

        return all_of_them

    occlusion, ablation = Occlusion(net), FeatureAblation(net)
    windows = px.SlidingOcclusion(patch=2 * STRIDE, stride=STRIDE)
    pixels = torch.arange(224 * 224).reshape(224, 224)
    cells = (pixels // 224 * 7 // 224 * 7 + pixels % 224 * 7 // 224)[None, None]  # 49 features, each hidden once
    for n in given.photos:
        yield (
            "sliding_occlusion", "captum.Occlusion", n,
            partial(px.explain, windows, predictor, space, photos(n), outputs=[PHOTO]),
            each(n, lambda batch: occlusion.attribute(
                batch, (3, 2 * STRIDE, 2 * STRIDE), (3, STRIDE, STRIDE), target=PHOTO, perturbations_per_eval=8)),
        )  # fmt: skip
        yield (
            "rise", "captum.FeatureAblation", n,
            partial(px.explain, "rise", predictor, space, photos(n), outputs=[PHOTO], budget=50),
            each(n, lambda batch: ablation.attribute(
                batch, target=PHOTO, feature_mask=cells, perturbations_per_eval=8)),
        )  # fmt: skip


def trees(given: argparse.Namespace) -> Iterator[Case]:
    """Forests and boosted trees of eight columns, on a background of 100 rows."""
    import shap  # type: ignore[import-untyped]
    from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor, RandomForestRegressor

    import perturbxai as px

    rng = np.random.default_rng(0)
    X = rng.standard_normal((3000, 8))
    y = X[:, 0] * X[:, 1] + np.sin(X[:, 2]) + X[:, 3:] @ np.arange(5) * 0.3
    models = {
        "forest": RandomForestRegressor(100, random_state=0),
        "forest of depth 8": RandomForestRegressor(100, max_depth=8, random_state=0),
        "boosting": GradientBoostingRegressor(random_state=0),
        "histogram boosting": HistGradientBoostingRegressor(random_state=0),
    }
    for name, model in models.items():
        predictor, space = px.Predictor(model.fit(X, y)), px.TabularSpace(X, background=100)
        explainer = shap.TreeExplainer(model, np.asarray(space.background), feature_perturbation="interventional")
        for n in given.rows:
            yield (
                f"glass_box, {name}", "shap.TreeExplainer", n,
                partial(px.baselines, "glass_box", predictor, space, X[:n]),
                partial(explainer.shap_values, X[:n], check_additivity=False),
            )  # fmt: skip


PARTS = {"maps": maps, "trees": trees, "masks": masks}


def measured(case: Case, repeats: int) -> dict[str, Any]:
    """Median seconds of both, in alternation after a run of each that compiles and loads everything."""
    ours, peer, n, *runs = case
    seconds: list[list[float]] = [[], []]
    for number in range(repeats + 1):
        for took, run in zip(seconds, runs, strict=True):
            began = time.perf_counter()
            run()
            took += [time.perf_counter() - began] if number else []
    own, other = map(statistics.median, seconds)
    return {"method": ours, "peer": peer, "inputs": n, "seconds": own, "peer_seconds": other, "speed": other / own}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--photos", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--rows", nargs="+", type=int, default=[100, 500])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("results/baselines_speed"))
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    found = []
    for part in given.parts:
        for case in PARTS[part](given):
            one = measured(case, given.repeats)
            found.append(one)
            print(LINE.format(**one), flush=True)
    given.out.mkdir(parents=True, exist_ok=True)
    with open(given.out / "baselines_speed.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    print(f"written to {given.out / 'baselines_speed.csv'}")


if __name__ == "__main__":
    main()
