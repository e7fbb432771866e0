"""The effects of a run: the data and the model of a section, and curves of its columns."""

from typing import Any

import numpy as np

from perturbxai.calls.effects import effects, read_features
from perturbxai.command.config import EffectsConfig, Naming
from perturbxai.command.table import read_table
from perturbxai.command.table_part import model_of, one_of_two, predictor_and_space, with_features
from perturbxai.command.user_model import Part
from perturbxai.core.types import Frame
from perturbxai.core.wording import quoted
from perturbxai.inputs.spaces import TabularSpace

MANY_LEVELS = 50  # of a column of words: a curve of more is drawn if it is asked for


def load_effects(section: EffectsConfig, seed: int, progress: bool, given: Naming = str) -> Part:
    """The model as a Predictor, and the curves, ready to be asked. Raises ValueError, in the user's own words."""

    def naming(key: str) -> str:
        return given(key.replace("table.", "effects.", 1))

    table = with_features(section, read_table(section, naming, seed), naming)
    made = model_of(section, table.X, table.y, naming)
    predictor, space = predictor_and_space(section, made.model, table.X, seed, progress, naming)
    section, told = one_of_two(section, made.model, predictor, naming)
    x = table.X[space.columns.labels]
    features, left_out = _features(section, space, x, naming)
    if section.by is not None and space.columns.find(section.by) is None:
        raise ValueError(
            f"{naming('effects.by')} = {section.by!r} is no column; there are {quoted(space.columns.names, 8)}."
        )
    facts: dict[str, Any] = {"data": table.facts, "left_out": left_out} | made.facts
    asked: dict[str, Any] = {
        "features": features, "grid": section.grid, "rows": section.rows, "by": section.by,
        "regions": "auto" if section.regions else None, "outputs": section.outputs,
        "seed": seed, "n_jobs": section.jobs,
    }  # fmt: skip
    return Part(
        section, predictor, lambda _: effects(list(section.methods), predictor, space, x, **asked), facts,
        lambda one: space.columns.decode(np.asarray(one.input[None], dtype=np.float64)), {},
        (*table.told, *made.told, *told),
    )  # fmt: skip


def _features(section: EffectsConfig, space: TabularSpace, x: Frame, naming: Naming) -> tuple[list[Any], dict[str, str]]:
    """Columns and pairs whose effects are asked, and of all columns those that are not, and why."""
    codes, columns = space.columns.encode(x, "x"), space.columns
    if section.features is not None or section.pairs:
        wanted: list[Any] = [*(section.features or ()), *section.pairs]
        for key, several in (("features", section.features or ()), ("pairs", section.pairs)):
            try:
                read_features(list(several), space, codes) if several else None
            except ValueError as error:
                raise ValueError(f"{naming(f'effects.{key}')}: {str(error).removeprefix('features: ')}") from error
        return wanted, {}
    left_out: dict[str, str] = {}
    for c, name in enumerate(columns.names):
        n_values = len(np.unique(codes[:, c][~np.isnan(codes[:, c])]))
        if n_values < 2:
            left_out[name] = "it has a single value"
        elif not columns.numeric[c] and n_values > MANY_LEVELS:
            left_out[name] = f"it has {n_values:,} levels; {naming('effects.features')} {name} asks for it"
    found = [name for name in columns.names if name not in left_out]
    if not found:
        raise ValueError(f"{naming('table.data')} = {section.data!r} has no column that varies, so there is no effect.")
    return found, left_out
