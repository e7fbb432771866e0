"""shap's TreeExplainer, which reads the model instead of asking it."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.core import checks
from perturbxai.core.types import Floats
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.models.predictor import Predictor
from perturbxai.peers.packages import load_shap
from perturbxai.peers.task import Found, Peer, Task, table_of_columns

PERTURBATIONS = ("interventional", "tree_path_dependent")
SINGLE = float(np.finfo(np.float32).eps)  # shap's walk holds its weights as float32


@dataclass(frozen=True, kw_only=True)
class ShapTree(Peer):
    """shap.TreeExplainer on the predictor's own model: no row is asked, `budget` is not used.

    It compares thresholds in float32 (scikit-learn's forests and boosting), so data that float32 cannot hold can fall on the
    other side: `meta["gap"]` tells how far values miss prediction - base. Where they do, errors are infinite: unknown.
    Probabilities of boosted trees are values of the log-odds, scaled: they have no gap, and are no Shapley values.

    feature_perturbation  "interventional": the space's background rows, all of them, equally weighted. As shipped
                          "tree_path_dependent": what the training rows say, another game; its base is `meta["peer_base"]`
    as_shipped            see there
    """

    feature_perturbation: str = "interventional"
    as_shipped: bool = False
    key: ClassVar[str] = "shap.tree"
    own: ClassVar[dict[str, Any]] = {"feature_perturbation": "tree_path_dependent"}

    def __post_init__(self) -> None:
        checks.one_of("feature_perturbation", self.feature_perturbation, PERTURBATIONS)

    def least(self, _n_active: int, _n_rows: int) -> int:
        return 0

    def check_game(self, game: Game) -> None:
        """Refuse, before the model is asked, what shap cannot read."""
        load_shap()
        pictures = "reads trees over the columns of a table; for pictures take 'shap.kernel'"
        space = table_of_columns(game, self.key, pictures)
        if not space.columns.numeric.all():
            names = [n for n, numeric in zip(space.columns.names, space.columns.numeric, strict=True) if not numeric]
            raise ValueError(f"shap.tree needs numbers, but {names} are not; encode them before the model is trained.")
        if self.feature_perturbation == "interventional" and np.ptp(space.background_weights) > 1e-12:
            raise ValueError(
                "shap.tree gives every background row the same weight, but the space's rows have weights of their own; "
                'build it with choose="sample".'
            )
        self._explainer(game.predictor, space)

    def explain(self, task: Task) -> Found:
        space, row = task.game.table, np.array(task.game.table_rows[task.number].codes)
        explainer, scaled = self._explainer(task.game.predictor, space)
        values = _by_output(explainer.shap_values(row[None], check_additivity=False)[0], scaled)
        base = np.atleast_1d(np.asarray(explainer.expected_value, dtype=np.float64))
        base = np.array([1.0 - base[0], base[0]]) if scaled else base
        columns = task.game.learn().columns
        known = task.game.predictor.outputs or ()
        if values.shape[1] != len(known):
            raise ValueError(f"shap.tree finds {values.shape[1]} outputs in the trees, but the model gives {len(known)}.")
        values, base = values[:, columns], base[columns]
        exact = not scaled and self.feature_perturbation == "interventional"
        return Found(values, exact, SINGLE, base, {"asked_over": "nothing"})

    def _explainer(self, predictor: Predictor, space: TabularSpace) -> tuple[Any, bool]:
        """The explainer on the predictor's scale, and whether its one output stands for two classes.

        Raises TypeError for models that shap cannot read, ValueError for a scale that it does not have.
        """
        found = self._read(predictor, space, "raw")
        scale = str(getattr(found.model, "tree_output", None))
        if predictor.output == "probability" and scale == "log_odds" and self.feature_perturbation == "interventional":
            return self._read(predictor, space, "probability"), True
        wanted = {"probability": "probability", "logit": "log_odds", "raw": "raw_value"}[predictor.output]
        if scale != wanted and predictor.output != "raw":
            raise ValueError(
                f'shap.tree finds trees of the scale "{scale}" here, but the predictor explains "{predictor.output}"; '
                f'build it with output="{"logit" if scale == "log_odds" else "probability"}", or ask shap.kernel.'
            )
        return found, False

    def _read(self, predictor: Predictor, space: TabularSpace, output: str) -> Any:
        shap = load_shap()
        model = getattr(predictor._model, "model", None)  # the one peer that looks at the model itself
        masker = None
        if self.feature_perturbation == "interventional":
            masker = shap.maskers.Independent(np.array(space.background), max_samples=len(space.background))
        try:
            return shap.TreeExplainer(model, masker, model_output=output, feature_perturbation=self.feature_perturbation)
        except Exception as error:  # shap has a kind of error for nearly every kind of model
            kind = type(model).__name__
            raise TypeError(f"shap.tree cannot read the model {kind}: {error}. Ask shap.kernel instead.") from error


def _by_output(values: ArrayLike, scaled: bool) -> Floats:
    """(D, K) from (D,) or (D, K)."""
    found = np.asarray(values, dtype=np.float64)
    found = found[:, None] if found.ndim == 1 else found
    return np.concatenate([-found, found], axis=1) if scaled else found
