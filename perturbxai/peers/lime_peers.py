"""The explainers of the package lime: for tables and for pictures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from perturbxai.core import checks
from perturbxai.core.types import Floats
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import ImageSpace, TabularSpace
from perturbxai.peers.packages import Foreign, load_lime, without_bar
from perturbxai.peers.task import Found, Peer, Task, table_of_columns

SELECTIONS = ("none", "auto", "forward_selection", "lasso_path", "highest_weights")
PICTURES_A_CALL = 64  # lime's batch_size; the Predictor cuts its own batches


@dataclass(frozen=True, kw_only=True)
class LimeTabular(Peer):
    """lime.lime_tabular.LimeTabularExplainer, in its mode for classifiers, where one neighbourhood serves all outputs.

    It is trained on all of X, as codes; columns with levels (and truth values) are its categorical features. The space's
    background is not used. Values are beta_j (1 - frequency of x's bin), without bins beta_j (x - mean) / deviation: what
    x's coding brings over the table's mean, as `lime_tabular` has them. lime's own weights stand as `coefficient`.

    discretizer    "quartile", "decile" or None
    kernel_width   None for .75 sqrt(D)
    sample_around_instance  without bins: draw around x. As shipped False: around the mean, where slopes can turn
    feature_selection  "none"; as shipped "auto", which keeps `num_features`: others get 0
    num_features   None for all; as shipped 10
    ridge          1, lime's own, shrinks by about 1 / (effective sample x variance); 0 for least squares
    value          "difference" as above; "coefficient" as shipped: lime's weights as they are
    as_shipped     one explainer whose stream goes on from row to row, instead of a fresh one for each
    """

    discretizer: str | None = "quartile"
    kernel_width: float | None = None
    sample_around_instance: bool = True
    feature_selection: str = "none"
    num_features: int | None = None
    ridge: float = 1.0
    value: str = "difference"
    as_shipped: bool = False
    key: ClassVar[str] = "lime.tabular"
    own: ClassVar[dict[str, Any]] = {
        "sample_around_instance": False, "feature_selection": "auto", "num_features": 10, "value": "coefficient",
    }  # fmt: skip
    own_budget: ClassVar[int] = 5000

    def __post_init__(self) -> None:
        checks.one_of("discretizer", self.discretizer, ("quartile", "decile", None))
        checks.one_of("feature_selection", self.feature_selection, SELECTIONS)
        checks.one_of("value", self.value, ("difference", "coefficient"))
        _check_numbers(self.kernel_width, self.num_features, self.ridge)

    def least(self, n_active: int, _n_rows: int) -> int:
        return n_active + 2

    def check_game(self, game: Game) -> None:
        """Refuse, before the model is asked, what lime cannot take."""
        load_lime()
        space = table_of_columns(game, self.key, "explains rows of a table; for pictures take 'lime.image'")
        if np.ptp(space.weights) > 1e-12:
            raise ValueError("lime.tabular takes every row of X alike; build the space without weights=.")
        rows = np.concatenate([space.codes, [one.codes for one in game.table_rows]])
        for name, column in zip(space.columns.names, rows.T, strict=True):
            if not np.isfinite(column).all():
                raise ValueError(f"lime.tabular: column {name!r} has missing or infinite values, which lime bins wrongly.")

    def explain(self, task: Task) -> Found:
        space = task.game.table
        explainer = self._explainer(space, task)
        row, n_samples = np.array(task.game.table_rows[task.number].codes), task.budget or self.own_budget
        found = explainer.explain_instance(
            row, task.rows, labels=range(task.n_outputs), num_samples=n_samples,
            num_features=self.num_features or len(row), model_regressor=_regressor(self.ridge),
        )  # fmt: skip
        weights = coefficients(found.local_exp, range(task.n_outputs), len(row))
        lift = _lift(explainer, row)[:, None] if self.value == "difference" else 1.0
        notes = {"kernel_width": float(self.kernel_width or 0.75 * np.sqrt(len(row))), "num_samples": n_samples}
        return Found(weights * lift, notes=notes, columns={"coefficient": weights})

    def _explainer(self, space: TabularSpace, task: Task) -> Any:
        lime_tabular, _ = load_lime()
        columns = space.columns
        named = {d: list(levels) for d, levels in enumerate(columns.levels) if levels is not None}
        return lime_tabular.LimeTabularExplainer(
            np.array(space.codes), mode="classification", feature_names=list(columns.names), class_names=task.game.outputs,
            categorical_features=list(named), categorical_names=named, kernel_width=self.kernel_width,
            feature_selection=self.feature_selection, discretize_continuous=self.discretizer is not None,
            discretizer=self.discretizer or "quartile", sample_around_instance=self.sample_around_instance,
            random_state=task.stream,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LimeImage(Peer):
    """lime.lime_image.LimeImageExplainer over the space's own superpixels and fill, its labels numbered from 0.

    lime takes the numbers 0..n-1 for granted: with scikit-image's labels, from 1, it never hides the last superpixel. Values
    are lime's weights. Superpixels that the fill cannot change are drawn with the others, as lime does.

    kernel_width   of the cosine distance, .25 as lime
    feature_selection  "none"; as shipped "auto", which with 100,000 features keeps all
    num_features   None for all
    ridge          1, lime's own; 0 for least squares
    as_shipped     one explainer whose stream goes on from picture to picture
    """

    kernel_width: float = 0.25
    feature_selection: str = "none"
    num_features: int | None = None
    ridge: float = 1.0
    as_shipped: bool = False
    key: ClassVar[str] = "lime.image"
    own: ClassVar[dict[str, Any]] = {"feature_selection": "auto", "num_features": 100_000}
    own_budget: ClassVar[int] = 1001

    def __post_init__(self) -> None:
        checks.one_of("feature_selection", self.feature_selection, SELECTIONS)
        _check_numbers(self.kernel_width, self.num_features, self.ridge)

    def least(self, n_active: int, _n_rows: int) -> int:
        return n_active + 3

    def check_game(self, game: Game) -> None:
        """Refuse tables before the model is asked."""
        load_lime()
        if not isinstance(game.space, ImageSpace):
            raise ValueError("lime.image explains pictures; for rows of a table take 'lime.tabular'.")

    def explain(self, task: Task) -> Found:
        _, lime_image = load_lime()
        one, n_samples = task.game.pictures[task.number], (task.budget or self.own_budget) - 1
        explainer = _noting(lime_image.LimeImageExplainer, task)(
            kernel_width=self.kernel_width, feature_selection=self.feature_selection, random_state=task.stream
        )
        with without_bar(lime_image):
            found = explainer.explain_instance(
                np.array(one.picture), task.pictures, labels=range(task.n_outputs), top_labels=None, hide_color=one.fill,
                num_features=self.num_features or len(one.names), num_samples=n_samples, batch_size=PICTURES_A_CALL,
                segmentation_fn=lambda _: np.array(one.labels), model_regressor=_regressor(self.ridge), random_seed=0,
            )  # fmt: skip
        weights = coefficients(found.local_exp, range(task.n_outputs), len(one.names))
        return Found(weights, notes={"kernel_width": self.kernel_width, "num_samples": n_samples})


def coefficients(local_exp: Mapping[int, Iterable[tuple[int, float]]], labels: Sequence[int], n_features: int) -> Floats:
    """(P, K): lime's weights by feature and label; a feature that lime left out has none."""
    found = np.zeros((n_features, len(labels)))
    for k, label in enumerate(labels):
        for feature, weight in local_exp[label]:
            found[feature, k] = weight
    return found


def _lift(explainer: Foreign, row: Floats) -> Floats:
    """(D,): what a column's coding is at x less its mean over X, in the units of lime's coding."""
    found = (row - explainer.scaler.mean_) / explainer.scaler.scale_
    coded = row if explainer.discretizer is None else explainer.discretizer.discretize(row)
    for d in explainer.categorical_features:
        values = np.asarray(explainer.feature_values[d], dtype=np.float64)
        found[d] = 1.0 - explainer.feature_frequencies[d][values == coded[d]].sum()
    return np.asarray(found)


def _noting(explainer: Foreign, task: Task) -> Foreign:
    """lime's class for pictures, which also tells the task what it asked."""

    class Noting(explainer):  # type: ignore[misc]
        def data_labels(self, *given: object, **named: object) -> Any:
            data, answers = super().data_labels(*given, **named)
            task.note(data)
            return data, answers

    return Noting


def _regressor(ridge: float) -> Any:
    """What lime fits with; None is its own choice, a ridge of 1."""
    if ridge == 1.0:
        return None
    from sklearn.linear_model import LinearRegression, Ridge

    return Ridge(alpha=ridge) if ridge > 0 else LinearRegression()


def _check_numbers(kernel_width: float | None, num_features: int | None, ridge: float) -> None:
    if kernel_width is not None:
        checks.number("kernel_width", kernel_width, "positive", above=0.0)
    if num_features is not None:
        checks.whole("num_features", num_features, 1, way=", or None for all", floats=True)
    checks.number("ridge", ridge, "0 or more", least=0.0)
