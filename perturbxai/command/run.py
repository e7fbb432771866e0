"""A configured run: explain pictures and a table by all methods, compare them, and report."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perturbxai import assets
from perturbxai.calls.baselines import baselines
from perturbxai.calls.compare import Comparison, compare
from perturbxai.calls.explain import explain, name_methods
from perturbxai.calls.explain_call import Call
from perturbxai.command.config import Config, Naming, TableConfig
from perturbxai.command.photo_part import load_photo
from perturbxai.command.user_model import Part, make_model, read_table
from perturbxai.core import catalogue
from perturbxai.core.stopping import beside, note
from perturbxai.core.versions import versions
from perturbxai.explainers.exact_shap import ExactShap
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.models.predictor import Predictor
from perturbxai.reporting.manifest import Folder, check_place
from perturbxai.reporting.report import report

KEPT, UNFINISHED = "what was finished is in", "{}_unfinished"  # a note on what stopped a run; where a section's part is
MOST_LISTED = 16  # columns whose coalitions are all listed for the exact values: 65,536 of them


@dataclass
class Run:
    """What a run made: its folder, a Comparison for each section, and what each cost."""

    folder: Path
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)


def run(
    config: Config,
    results: str | Path | None = None,
    *,
    progress: bool = True,
    naming: Naming = str,
    command: Sequence[str] | None = None,
) -> Run:
    """Do what a configuration asks, into its results folder or another, with a manifest over everything at the end.

    Models and data of all sections are loaded, and what can be known without a model is checked, before the first question;
    the folder is made, and an old manifest in it taken away, when there is something to write. What an older run left there
    that this one does not write is taken away at the end. Of a section that is stopped, by whatever, what was finished is
    reported in SECTION_unfinished, which the next whole run takes away; a note on the exception says so.
    Raises ValueError, OSError and ImportError, with the way out, for what cannot be loaded or asked. Runs the code that the
    config names as "package.module:factory".
    naming  how errors call a dotted key, as itself if not given;  command: kept in the manifest
    """
    place = results if results is not None else config.results
    check_place(place, f"{naming('results')} = ")
    parts: dict[str, Part] = {}
    if config.photo is not None:
        parts["photo"] = load_photo(config.photo, config.seed, progress, naming)
    if config.table is not None:
        parts["table"] = load_table(config.table, config.seed, progress, naming)
    target: Folder | None = None
    done = Run(Path(place).resolve())
    for name, part in parts.items():
        began = time.perf_counter()
        try:
            compared = done.comparisons[name] = part.work()
        except BaseException as error:
            _write_unfinished(error, place, name, config)
            raise
        if target is None:
            target = Folder(place)
            target.begin()
        report(compared, target.inner(name), config=part.section.model_dump(mode="json") | {"seed": config.seed})
        done.facts[name] = part.facts | {
            "plan": part.predictor.plan,
            "rows": part.predictor.rows,
            "model_seconds": round(part.predictor.seconds, 3),
            "seconds": round(time.perf_counter() - began, 3),
        }
    assert target is not None  # a configuration has a section
    told = {"versions": versions(), "seed": config.seed, "config": config.model_dump(mode="json"), "parts": done.facts}
    target.finish(({} if command is None else {"command": list(command)}) | told)
    for name in parts:
        target.clear(UNFINISHED.format(name))
    return done


def _write_unfinished(error: BaseException, place: str | Path, name: str, config: Config) -> None:
    """Report what a section that was stopped had finished, beside the reports, and note on the exception where it is."""
    found = getattr(error, "partial", None)
    if not isinstance(found, Comparison) and not (isinstance(found, Mapping) and found):
        return
    try:
        folder = Folder(place).inner(UNFINISHED.format(name))
        report(found, folder, config=config.model_dump(mode="json") | {"unfinished": True})
        note(error, f"{KEPT} {folder}")
    except Exception as another:
        note(error, f"{KEPT} no file: {another}")


def load_table(section: TableConfig, seed: int, progress: bool, naming: Naming = str) -> Part:
    """The model as a Predictor, and the work on the table, ready to start."""
    table = read_table(section, naming)
    X, x = table.X, table.x
    if section.exact and X.shape[1] > MOST_LISTED:
        raise ValueError(
            f"{naming('table.exact')} lists 2^{X.shape[1]} coalitions of {X.shape[1]} columns; it is for {MOST_LISTED} "
            "columns at most. Switch it off, or leave columns out."
        )
    key = naming("table.model")
    facts: dict[str, Any] = {"data": table.facts, "explained_rows": len(x)}
    if section.model == "boosted":
        dtypes = dict(X.dtypes) | ({} if table.y is None else {table.y.name: table.y.dtype})
        words = [repr(name) for name, dtype in dtypes.items() if dtype.kind not in "fiub"]
        if words:
            raise ValueError(f'{key} = "boosted" takes numbers only, and not {", ".join(words)}; name a factory.')
        model = assets.boosted(X, table.y)
    else:
        given = {"X": X.copy()} | ({} if table.y is None else {"y": table.y.copy()})  # the factory may change its own
        made = make_model(section.model, key, given, f"Name its column as {naming('table.target')}.")
        model, facts["model"] = made.model, made.facts
    try:
        predictor = Predictor(model, output=section.output, batch_size=section.batch_size, progress=progress)
    except TypeError as error:
        raise ValueError(
            f"{key} = {section.model!r}: {error} A function of that name makes the model and returns it."
        ) from error
    except ValueError as error:  # a scale that the model does not have
        raise ValueError(f"{naming('table.output')}: {error}") from error
    X = _in_trained_order(X, model)
    space = TabularSpace(X, background=section.background, seed=seed)
    try:
        predictor.check_columns(space.columns.names, space.columns.frame)
    except ValueError as error:
        raise ValueError(f"{key} = {section.model!r}: {error} Leave columns out by {naming('table.drop')}.") from error
    x = x[list(X.columns)]
    game = Game(predictor, space, x, section.outputs)
    methods, facts["left_out"] = _taken(section, game, seed)
    _check_methods(methods, section, game, seed)
    return Part(section, predictor, lambda: compare_table(methods, section, predictor, space, x, seed), facts)


def _in_trained_order(X: Any, model: Any) -> Any:
    """The columns in the order that the model was trained on, where it names these very columns."""
    trained = getattr(model, "feature_names_in_", None)
    return X[list(trained)] if trained is not None and sorted(map(str, trained)) == sorted(X.columns) else X


def _taken(section: TableConfig, game: Game, seed: int) -> tuple[list[str], dict[str, str]]:
    """The methods that are asked, and why others of the usual ones cannot take these rows. One that is named has to."""
    left_out: dict[str, str] = {}
    for name in () if "methods" in section.model_fields_set else section.methods:
        method = catalogue.load(catalogue.EXPLAINERS, name)()
        call = Call({name: method}, game, seed, section.budget)
        try:
            for number in range(len(game.inputs)) if name not in call.by_law and hasattr(method, "check") else ():
                method.check(call.players(number, method))
        except ValueError as error:
            left_out[name] = str(error).removeprefix(f"{name}: ")
    return [name for name in section.methods if name not in left_out], left_out


def _check_methods(methods: Sequence[str], section: TableConfig, game: Game, seed: int) -> None:
    """What explain() and baselines() would refuse without the model, before the first of them asks it."""
    Call(name_methods(methods, catalogue.EXPLAINERS), game, seed, section.budget).check()
    for method in name_methods(section.baselines, catalogue.BASELINES).values() if section.baselines else ():
        if hasattr(method, "check"):
            method.check(game.predictor, game.space)


def compare_table(
    methods: Sequence[str], section: TableConfig, predictor: Predictor, space: TabularSpace, x: Any, seed: int
) -> Comparison:
    """All methods on the same coalitions, beside them the exact values of all coalitions and what the model itself tells."""
    outputs = section.outputs
    results = explain(methods, predictor, space, x, outputs=outputs, budget=section.budget, seed=seed)
    with beside(results):
        if section.exact:
            listed = 2**space.n_players
            results |= explain([ExactShap(name="exact")], predictor, space, x, outputs=outputs, budget=listed, seed=seed)
        if section.baselines:
            results |= baselines(section.baselines, predictor, space, x, outputs=outputs)
        return compare(results, predictor, space, metrics=section.metrics, seed=seed)
