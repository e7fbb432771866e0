"""A configured run: explain a photo and a table by all methods, compare them, and report."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from perturbxai import assets
from perturbxai.api import explain
from perturbxai.comparison import Comparison, compare
from perturbxai.config import Config, PhotoConfig, TableConfig
from perturbxai.explainers.kernel_shap import KernelShap
from perturbxai.explanation import Attribution
from perturbxai.fills import describe_fill
from perturbxai.predictor import Predictor
from perturbxai.report import report
from perturbxai.report.manifest import MANIFEST, Folder
from perturbxai.spaces import ImageSpace, TabularSpace
from perturbxai.versions import versions

MOST_LISTED = 16  # columns whose coalitions are all listed for the exact values: 65,536 of them


@dataclass
class Run:
    """What a run made: its folder, a Comparison for each section, and what each cost."""

    folder: Path
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)


def run(config: Config, results: str | Path | None = None, *, progress: bool = True) -> Run:
    """Do what a configuration asks, into its results folder or another, with a manifest over everything at the end.

    Models and data of all sections are loaded before the first question. Raises ValueError, OSError and ImportError, with
    the way out, for what cannot be loaded or asked. Runs the code that the config names as "package.module:factory".
    """
    loaded: dict[str, tuple[Any, Predictor, Callable[[], Comparison]]] = {}
    if config.photo is not None:
        loaded["photo"] = (config.photo, *load_photo(config.photo, config.seed, progress))
    if config.table is not None:
        loaded["table"] = (config.table, *load_table(config.table, config.seed, progress))
    target = Folder(results if results is not None else config.results)
    done = Run(target.place)
    for name, (section, predictor, work) in loaded.items():
        began = time.perf_counter()
        compared = done.comparisons[name] = work()
        place = report(compared, target.inner(name), config=section.model_dump(mode="json") | {"seed": config.seed})
        target.written += [place / file["name"] for file in json.loads((place / MANIFEST).read_text("utf-8"))["files"]]
        target.written.append(place / MANIFEST)
        done.facts[name] = {
            "plan": predictor.plan,
            "rows": predictor.rows,
            "model_seconds": round(predictor.seconds, 3),
            "seconds": round(time.perf_counter() - began, 3),
        }
    told = {"versions": versions(), "seed": config.seed, "config": config.model_dump(mode="json"), "parts": done.facts}
    target.finish(told)
    return done


def load_photo(section: PhotoConfig, seed: int, progress: bool) -> tuple[Predictor, Callable[[], Comparison]]:
    """The model as a Predictor, and the work on the picture, ready to start."""
    picture = _picture(section)
    if section.model == "efficientnet_lite0":
        net, transform, *names = *assets.efficientnet_lite0(), assets.imagenet_classes()
    else:
        made = _made_by(section.model, "photo.model")
        if not isinstance(made, (tuple, list)) or len(made) not in (2, 3):
            raise ValueError(f"photo.model: {section.model} returned {type(made).__name__}; expected (module, transform).")
        net, transform, *names = made
    predictor = Predictor(
        net,
        output=section.output,
        outputs=names[0] if names else None,
        transform=transform,
        batch_size=section.batch_size,
        progress=progress,
    )
    return predictor, lambda: compare_photo(section, predictor, picture, seed)


def compare_photo(section: PhotoConfig, predictor: Predictor, picture: Any, seed: int) -> Comparison:
    """All methods under every fill, CAMs and controls, on the same superpixels, scored under every fill."""
    outputs: list[Any] = list(section.outputs or ())
    if not outputs:
        first = predictor(picture[None])[0]
        outputs = [int(k) for k in np.argsort(-first, kind="stable")[: section.top]]
    recipe = ImageSpace(segments=section.segments, n_segments=section.n_segments, fill=section.fills[0])
    labels = recipe.players(picture)[0].labels  # segmented once, so that every fill hides the same regions
    space = ImageSpace(segments=labels, n_segments=section.n_segments, fill=section.fills[0])
    results: dict[str, Attribution] = {}
    for fill in section.fills:
        under, name = space.with_fill(fill), describe_fill(fill)
        found = explain(section.methods, predictor, under, picture, outputs=outputs, budget=section.budget, seed=seed)
        results |= {f"{key}@{name}": one for key, one in found.items()}
        if "cam_difference" in section.baselines:
            cams = _baselines(["cam_difference"], predictor, under, picture, outputs)
            results |= {f"{key}@{name}": one for key, one in cams.items()}
    once = [key for key in section.baselines if key != "cam_difference"]
    if once:
        results |= _baselines(once, predictor, space, picture, outputs)
    return compare(results, predictor, space, metrics=section.metrics, fills=section.fills, seed=seed)


def _baselines(names: list[str], predictor: Predictor, space: ImageSpace, x: Any, outputs: Any) -> dict[str, Attribution]:
    from perturbxai.heatmaps import baselines

    return baselines(names, predictor, space, x, outputs=outputs)


def load_table(section: TableConfig, seed: int, progress: bool) -> tuple[Predictor, Callable[[], Comparison]]:
    """The model as a Predictor, and the work on the table, ready to start."""
    X, y = _data(section)
    if section.exact and X.shape[1] > MOST_LISTED:
        raise ValueError(
            f"table.exact = true lists 2^{X.shape[1]} coalitions of {X.shape[1]} columns; it is for {MOST_LISTED} columns "
            "at most. Set exact = false."
        )
    if section.model == "boosted":
        words = [str(column) for column in X.columns if X[column].dtype.kind not in "fiub"]
        if words:
            raise ValueError(f'table.model = "boosted" takes numbers only, but {", ".join(words)} are not; name a factory.')
        model = assets.boosted(X, y)
    else:
        model = _made_by(section.model, "table.model", X, y)
    predictor = Predictor(model, batch_size=section.batch_size, progress=progress)
    space = TabularSpace(X, background=section.background, seed=seed)
    return predictor, lambda: compare_table(section, predictor, space, X.iloc[: section.rows], seed)


def compare_table(section: TableConfig, predictor: Predictor, space: TabularSpace, x: Any, seed: int) -> Comparison:
    """All methods on the same coalitions, and the exact values of all coalitions beside them."""
    results = explain(section.methods, predictor, space, x, budget=section.budget, seed=seed)
    if section.exact:
        results |= explain([KernelShap(name="exact")], predictor, space, x, budget=2**space.n_players, seed=seed)
    return compare(results, predictor, space, metrics=section.metrics, seed=seed)


def _picture(section: PhotoConfig) -> Any:
    path = Path(section.picture)
    if path.suffix == "":
        return assets.photo(section.picture, section.size)
    if not path.is_file():
        raise ValueError(f"photo.picture = {section.picture!r} is no file; give a picture, or a name such as 'chelsea'.")
    return assets.photo_file(path, section.size)


def _data(section: TableConfig) -> tuple[Any, Any]:
    if section.data == "diabetes":
        return assets.diabetes_boosted()[:2]
    import pandas as pd

    try:
        frame = pd.read_csv(section.data)
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"table.data = {section.data!r} cannot be read as CSV: {error}") from error
    if section.target not in frame.columns:
        raise ValueError(f"table.target = {section.target!r} is no column of {section.data}; it has {list(frame.columns)}.")
    return frame.drop(columns=section.target), frame[section.target]


def _made_by(place: str, key: str, *given: Any) -> Any:
    """What a factory "package.module:name" of the user's returns."""
    module, _, name = place.partition(":")
    if not module or not name:
        raise ValueError(f"{key} = {place!r} is no model; expected a name of ours, or 'package.module:factory'.")
    try:
        factory = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{key} = {place!r} cannot be imported ({error}); put its folder on PYTHONPATH.") from error
    return factory(*given)
