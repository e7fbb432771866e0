"""The table of a run: the data and the model of a section, and their comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any, TypeVar

import numpy as np

from perturbxai import assets
from perturbxai.calls.arguments import name_methods
from perturbxai.calls.baselines import check_methods, named_baselines
from perturbxai.calls.baselines_in_turn import baselines_in_turn
from perturbxai.calls.compare import compare_in_turn, compare_steps
from perturbxai.calls.comparison import Comparison
from perturbxai.calls.context import context
from perturbxai.calls.explain_call import Call
from perturbxai.calls.in_turn import explain_in_turn
from perturbxai.calls.steps import Step, called, how_many
from perturbxai.command.config import BOOSTED, Naming, TableConfig, TableFile
from perturbxai.command.table import Table, read_table
from perturbxai.command.trained import no_features, told_of_left_out, train
from perturbxai.command.user_model import Made, Part, make_model, reason
from perturbxai.core import catalogue
from perturbxai.core.methods import Explainer
from perturbxai.core.stopping import beside
from perturbxai.core.types import Foreign, Frame, Model
from perturbxai.explainers.exact_shap import ExactShap
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.models.predictor import Predictor

S = TypeVar("S", bound=TableFile)
MOST_LISTED = 16  # columns whose coalitions are all listed for the exact values: 65,536 of them
LISTED_UNASKED = 10  # where nobody says whether they are: 1,024 of them


def load_table(section: TableConfig, seed: int, progress: bool, naming: Naming = str) -> Part:
    """The model as a Predictor, and the work on the table, ready to start."""
    table = with_features(section, read_table(section, naming, seed), naming)
    X, x = table.X, table.x
    if section.exact is None:
        section = section.model_copy(update={"exact": X.shape[1] <= LISTED_UNASKED})
    if section.exact and X.shape[1] > MOST_LISTED:
        raise ValueError(
            f"{naming('table.exact')} lists 2^{X.shape[1]} coalitions of {X.shape[1]} columns; it is for {MOST_LISTED} "
            "columns at most. Switch it off, or leave columns out."
        )
    made = model_of(section, X, table.y, naming)
    facts: dict[str, Any] = {"data": table.facts, "explained_rows": len(x)} | made.facts
    predictor, space = predictor_and_space(section, made.model, X, seed, progress, naming)
    section, more = one_of_two(section, made.model, predictor, naming)
    x = x[space.columns.labels]
    game = Game(predictor, space, x, section.outputs)
    methods, facts["left_out"] = taken(section, game, seed)
    # what explain() and baselines() would refuse without the model, before the first of them asks it
    Call(name_methods(methods, catalogue.EXPLAINERS, Explainer), game, seed, section.budget).check()
    if section.baselines:
        check_methods(named_baselines(section.baselines), predictor, space, None, "logit")
    return Part(
        section, predictor, lambda step: compare_table(methods, section, predictor, space, x, seed, step), facts,
        lambda one: space.columns.decode(np.asarray(one.input[None], dtype=np.float64)), planned(section, game),
        (*table.told, *made.told, *more), table.targets,
        None if section.context is None else partial(context, predictor, space, x, n=section.context, seed=seed),
    )  # fmt: skip


def with_features(section: TableFile, table: Table, naming: Naming) -> Table:
    """The table without columns that say which row it is, and nothing of it, where a model is trained here."""
    if not section.learns or section.data == "diabetes":
        return table
    kept = (*section.category, *section.text, *section.date)
    left_out = no_features(table.X, kept)
    if len(left_out) == table.X.shape[1]:
        each = "; ".join(f"{name!r}: {why}" for name, why in left_out.items())
        raise ValueError(f"{naming('table.data')} = {section.data!r} has no column to learn from. {each}.")
    told = told_of_left_out(left_out, naming("table.category"))
    columns = [name for name in table.X if str(name) not in left_out]
    return replace(table, X=table.X[columns], x=table.x[columns], told=(*table.told, *told))


def one_of_two(section: S, model: Model, predictor: Predictor, naming: Naming) -> tuple[S, list[str]]:
    """The section with the second of two classes as its output, where none is named: the first is its mirror image."""
    classes = getattr(model, "classes_", ())
    several = any(np.ndim(one) > 0 for one in classes)  # a list of classes for each of several targets
    if section.outputs is not None or predictor.output != "probability" or len(classes) != 2 or several:
        return section, []
    first, second = (str(one) for one in classes)
    told = f"explained is the probability of {second!r}; that of {first!r} is the rest of 100 % ({naming('table.outputs')})"
    return section.model_copy(update={"outputs": (second,)}), [told]


def told_of(left_out: Mapping[str, str]) -> list[str]:
    """A line on methods that were left out; {} gives none."""
    return ["left out: " + "; ".join(f"{method}: {why}" for method, why in left_out.items())] if left_out else []


def planned(section: TableConfig, game: Game) -> dict[str, int]:
    """How many steps there are of each kind."""
    n_distinct = len(set(game.first_alike))  # those that are the same go together
    each = how_many(game.space, n_distinct)
    scored = compare_steps(section.metrics, game.space, n_distinct)
    asked = {"explain": True, "exact": bool(section.exact), "baselines": bool(section.baselines)}
    return {kind: each for kind, wanted in asked.items() if wanted} | {"compare": scored}


def model_of(section: TableFile, X: Frame, y: Foreign | None, naming: Naming) -> Made:
    """The model that a section names, made of the table's columns where it wants them. Raises ValueError."""
    if section.model == BOOSTED:
        if section.data == "diabetes":
            return Made(assets.boosted(X, y), {})
        assert y is not None  # the configuration saw to that
        target: Any = y
        found = train(X, target, section.task, naming("table.target"), naming("table.task"))
        return Made(found.model, {"model": found.facts}, found.told)
    given = {"X": X.copy()} | ({} if y is None else {"y": y.copy()})  # the factory may change its own
    return model_of_name(section, given, naming)


def model_of_name(section: TableFile, given: Mapping[str, Any], naming: Naming) -> Made:
    """What the section's "package.module:name", or file, comes to. Raises ValueError."""
    key, trust = naming("table.model"), (section.trust, naming("table.trust"))
    made = make_model(section.model, key, given, f"Name its column as {naming('table.target')}.", trust)
    return made._replace(facts={"model": made.facts})


def predictor_and_space(
    section: TableFile, model: Model, X: Frame, seed: int, progress: bool, naming: Naming
) -> tuple[Predictor, TabularSpace]:
    """The model as it is asked, and what its rows are. Raises ValueError, in the user's own words, for what does not fit."""
    key = naming("table.model")
    try:
        predictor = Predictor(model, output=section.output, batch_size=section.batch_size, progress=progress)
    except TypeError as error:
        raise ValueError(
            f"{key} = {section.model!r}: {error} A function of that name makes the model and returns it."
        ) from error
    except ValueError as error:  # a scale that the model does not have
        raise ValueError(f"{naming('table.output')}: {error}") from error
    background = section.background if isinstance(section, TableConfig) else 100
    space = TabularSpace(_in_trained_order(X, model), background=background, seed=seed)
    try:
        predictor.check_columns(space.columns.names, space.columns.frame)
    except ValueError as error:
        raise ValueError(f"{key} = {section.model!r}: {error} Leave columns out by {naming('table.drop')}.") from error
    return predictor, space


def _in_trained_order(X: Frame, model: object) -> Frame:
    """The columns in the order that the model was trained on, where it names these very columns."""
    trained = getattr(model, "feature_names_in_", None)
    return X[list(trained)] if trained is not None and sorted(map(str, trained)) == sorted(X.columns) else X


def taken(section: TableConfig, game: Game, seed: int) -> tuple[list[str], dict[str, str]]:
    """The methods that are asked, and why others of the usual ones cannot take these rows. One that is named has to."""
    left_out: dict[str, str] = {}
    for name in () if "methods" in section.model_fields_set else section.methods:
        call = Call(name_methods(name, catalogue.EXPLAINERS, Explainer), game, seed, section.budget)
        try:
            for method, number in product(call.asking.values(), range(len(game.inputs))):
                method.check(call.players(number, method))
        except ValueError as error:
            left_out[name] = reason(name, error)
    return [name for name in section.methods if name not in left_out], left_out


def compare_table(
    methods: Sequence[str], section: TableConfig, predictor: Predictor, space: TabularSpace, x: Frame, seed: int, step: Step
) -> Comparison:
    """All methods on the same coalitions, beside them the exact values of all coalitions and what the model itself tells."""
    outputs = section.outputs
    asked: dict[str, Any] = {"outputs": outputs, "seed": seed, "n_jobs": section.jobs}
    results = explain_in_turn(methods, predictor, space, x, called("explain", step), budget=section.budget, **asked)
    with beside(results):
        if section.exact:
            exact = [ExactShap(name="exact")]
            results |= explain_in_turn(exact, predictor, space, x, called("exact", step), budget=2**space.n_players, **asked)
        if section.baselines:
            beside_them, jobs = section.baselines, section.jobs
            maps = called("baselines", step)
            results |= baselines_in_turn(beside_them, predictor, space, x, maps, outputs=outputs, n_jobs=jobs)
        compared = called("compare", step)
        return compare_in_turn(
            results, predictor, space, compared, metrics=section.metrics, seed=seed, n_jobs=section.jobs
        )  # fmt: skip
