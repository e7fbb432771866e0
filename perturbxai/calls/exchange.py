"""From the objects of shap and lime: their results in our comparisons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbxai.calls.arguments import check_asked
from perturbxai.calls.record import Record
from perturbxai.core import checks
from perturbxai.core.methods import Method
from perturbxai.core.outputs import asked_outputs
from perturbxai.core.types import Floats, Foreign, Inputs, Ints, Outputs
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import ImageSpace, Input, Space, TableInput, TabularSpace
from perturbxai.models.predictor import Predictor
from perturbxai.peers.lime_peers import coefficients
from perturbxai.results.explanation import Attribution

SAME = 1e-4  # relative; explanations often carry their data as float32


@dataclass(frozen=True, kw_only=True)
class Imported(Method):
    """Values that another package computed.

    package  "shap" or "lime";  name: the key that a report shows
    """

    package: str
    name: str = ""


def from_shap(
    explanation: Foreign, predictor: Predictor, space: Space, x: Inputs, *,
    outputs: Outputs | None = None, name: str = "shap",
) -> Attribution:  # fmt: skip
    """An Attribution from a `shap.Explanation` of the same rows or pictures, for `compare({..., "theirs": found}, ...)`.

    explanation  values (N, P), (N, P, K) or, of one input, (P,) or (P, K); players in any order if feature_names has them.
                 Of pictures also (N, H, W, C) or (N, H, W, C, K), summed over channels and the space's superpixels
    predictor, space, x  as in `explain`;  outputs  which of the model's outputs the K values are of, None for all
    name         what `to_frame()` calls it

    Base and prediction are asked of the model, background rows + 1 a row and two a picture; errors are infinite, as unknown;
    `meta` keeps the explanation's base_values as peer_base, and the gap.
    Raises TypeError for what has no values, ValueError for shapes, names, or data that do not fit x.
    """
    if not hasattr(explanation, "values") or callable(explanation.values):
        raise TypeError(f"explanation is {type(explanation).__name__}; expected a shap.Explanation (explainer(X)).")
    check_asked(predictor, space)
    game = Game(predictor, space, x, outputs)
    record, n_inputs = Record(game), len(game.inputs)
    values = _shap_values(np.asarray(explanation.values, dtype=np.float64), game)
    order = _order(getattr(explanation, "feature_names", None), game.inputs[0].names)
    _check_data(explanation, game, order)
    notes: list[dict[str, Any]] = [{"peer_base": None}] * n_inputs
    if (base := getattr(explanation, "base_values", None)) is not None:
        bases = np.broadcast_to(np.asarray(base).T, (*np.shape(base)[1:], n_inputs)).T
        notes = [{"peer_base": np.atleast_1d(one).tolist()} for one in bases]
    return _attribution(record, [v[order] for v in values], Imported(package="shap", name=name), notes)


def from_lime(
    explanations: Foreign | Iterable[Foreign], predictor: Predictor, space: Space, x: Inputs, *,
    outputs: Outputs | None = None, name: str = "lime",
) -> Attribution:  # fmt: skip
    """An Attribution from lime's explanations of the same rows or pictures, for `compare({..., "theirs": found}, ...)`.

    explanations  what `explain_instance` returned, or a list, one an input; each has the label of every output, its number
                  (`labels=range(K)`); one of the mode "regression" serves one output
    predictor, space, x, outputs, name  as in `from_shap`

    Values are lime's weights as they are, 0 for features that it left out. On tables feature j is column j of X; on pictures
    the superpixel with label j, and its segments must be the space's.
    Raises TypeError for what is no explanation of lime, ValueError for numbers, labels and segments that do not fit.
    """
    one_alone = hasattr(explanations, "local_exp") or not isinstance(explanations, Iterable)
    expected = "what lime's explain_instance returns, or several"
    given = [explanations] if one_alone else checks.several("explanations", explanations, expected)
    for one in given:
        if not hasattr(one, "local_exp"):
            raise TypeError(f"explanations holds a {type(one).__name__}; expected what lime's explain_instance returns.")
    outputs = None if outputs is None else asked_outputs(outputs)
    check_asked(predictor, space)
    game = Game(predictor, space, x, outputs)
    record = Record(game)
    if len(given) != len(game.inputs):
        raise ValueError(f"explanations are {len(given)}, but x has {len(game.inputs)} inputs; give one for each.")
    maps = [_features(one, where) for one, where in zip(given, game.inputs, strict=True)]
    if outputs is None or predictor.outputs is None:
        game.learn()  # which outputs there are
    labels = predictor.select(game.outputs if outputs is None else outputs, len(predictor.outputs or ())).tolist()
    values = []
    for one, players in zip(given, maps, strict=True):
        of_regression = getattr(one, "mode", "") == "regression"  # there, label 0 is label 1 with the sign turned
        if of_regression and len(labels) != 1:
            raise ValueError(f"explanations are of a regression, one output, but outputs are {len(labels)}; name one.")
        if not of_regression and (missing := [k for k in labels if k not in one.local_exp]):
            raise ValueError(
                f"explanations lack the labels {missing}; they have {sorted(one.local_exp)}. Explain with labels={labels}, "
                "or leave the others out of outputs=."
            )
        values.append(coefficients(one.local_exp, [1] if of_regression else labels, len(players))[players])
    return _attribution(record, values, Imported(package="lime", name=name), [{} for _ in given])


def _shap_values(values: Floats, game: Game) -> Floats:
    """(N, P, K) of any layout that shap gives. Raises ValueError for shapes that do not fit the inputs."""
    inputs = game.inputs
    players = sorted({len(one.names) for one in inputs})
    n_inputs, n_players = len(inputs), players[0]
    if len(players) > 1:
        raise ValueError(f"x: the pictures have different players ({players}); bring them in one by one.")
    if isinstance(game.space, ImageSpace) and values.ndim in (4, 5) and values.shape[1:3] == game.pictures[0].labels.shape:
        heat = values.sum(axis=3)
        heat = heat[..., None] if heat.ndim == 3 else heat  # (N, H, W, K)
        if len(heat) == n_inputs:
            return np.stack([one.pool(np.moveaxis(h, -1, 0)).T for one, h in zip(game.pictures, heat, strict=True)])
    single = values[None] if n_inputs == 1 and values.shape[:1] == (n_players,) else values
    single = single[..., None] if single.ndim == 2 else single
    if single.ndim != 3 or single.shape[:2] != (n_inputs, n_players):
        raise ValueError(
            f"explanation has values of shape {values.shape}; expected ({n_inputs}, {n_players}) or ({n_inputs}, "
            f"{n_players}, outputs), one line an input of x and one column a player of space."
        )
    if not np.isfinite(single).all():
        raise ValueError("explanation has values that are not finite, which rank nothing; leave these inputs out.")
    return single


def _order(names: Sequence[str] | None, players: tuple[str, ...]) -> Ints:
    """Numbers of the explanation's features in the order of our players."""
    as_they_come = np.arange(len(players))
    if names is None:
        return as_they_come
    if len(names) != len(players):
        raise ValueError(f"explanation names {len(names)} features, but space has {len(players)} players.")
    if not all(isinstance(n, str) for n in names):
        return as_they_come
    if set(names) == set(players):
        return np.array([list(names).index(p) for p in players])
    if list(names) in ([f"Feature {i}" for i in as_they_come], [f"{i}" for i in as_they_come]):  # shap's own for none
        return as_they_come
    strange = sorted(set(names) - set(players))
    raise ValueError(
        f"explanation names the features {strange[:6]}, which space does not have; its players are {list(players[:6])}. "
        "Explain the same columns, or set explanation.feature_names."
    )


def _check_data(explanation: Foreign, game: Game, order: Ints) -> None:
    """Refuse an explanation of other rows, as far as its data can tell."""
    space, data = game.space, getattr(explanation, "data", None)
    if not isinstance(space, TabularSpace) or data is None or space.n_players != len(space.columns.names):
        return
    codes = np.array([one.codes for one in game.table_rows])
    numbers = np.flatnonzero(space.columns.numeric)
    try:
        theirs = np.atleast_2d(np.asarray(data))[:, order][:, numbers].astype(np.float64)
    except (TypeError, ValueError, IndexError):
        return  # strings, dates or another layout: nothing to compare
    ours = codes[:, numbers]
    if theirs.shape != ours.shape:
        return
    if len(other := np.flatnonzero(~np.isclose(theirs, ours, rtol=SAME, atol=1e-8, equal_nan=True).all(axis=1))):
        row = game.inputs[other[0]].label
        raise ValueError(f"explanation is of other data than x: row {row!r} differs. Pass the x that it explains.")


def _features(explanation: Foreign, one: Input) -> Ints:
    """(P,): lime's feature for each player."""
    n_players = len(one.names)
    if isinstance(one, TableInput):
        if n_players != len(one.codes):
            raise ValueError("space has groups of columns, which lime does not know; build it without groups=.")
        names = getattr(getattr(explanation, "domain_mapper", None), "feature_names", None)
        if names is not None and len(names) != n_players:
            raise ValueError(f"explanations are over {len(names)} features, but space has {n_players} players.")
        return np.arange(n_players)
    segments = getattr(explanation, "segments", None)
    if segments is None:
        raise TypeError("explanations are of a table, but space is of pictures; pass the space that they were explained in.")
    labels, segments = one.labels.ravel(), np.asarray(segments)
    ids, first, place = np.unique(segments, return_index=True, return_inverse=True)
    same_shape = segments.shape == one.labels.shape and len(ids) == n_players
    if not same_shape or not np.array_equal(labels[first][place.ravel()], labels):
        raise ValueError(
            "explanations have other segments than space; build the space with segments=explanation.segments, or explain "
            "with segmentation_fn=lambda _: space.players(picture)[0].labels."
        )
    if ids[0] != 0 or ids[-1] != len(ids) - 1:
        raise ValueError(
            f"explanations have segments numbered {ids[0]}..{ids[-1]}: lime takes 0..{len(ids) - 1} for granted, and never "
            "hid the others. Explain again with labels renumbered from 0."
        )
    return np.argsort(labels[first])


def _attribution(record: Record, values: Sequence[Floats], method: Imported, notes: Sequence[dict[str, Any]]) -> Attribution:
    """Values (P, K) of each input beside base and prediction, which are all that the model is asked.

    Raises ValueError if the model has another number of outputs.
    """
    game = record.game
    game.learn()
    if (n_outputs := values[0].shape[1]) != len(game.outputs):
        raise ValueError(
            f"explanation is of [{n_outputs}] outputs, but {len(game.outputs)} of the model are asked for: {game.outputs}. "
            "Name those that it explains in outputs=."
        )
    parts = []
    for number, (one, own, note) in enumerate(zip(game.inputs, values, notes, strict=True)):
        empty, full = ends = game.ends(number)
        once = record.ends(number)
        meta = record.meta(one, sum(once.values()), once) | note
        meta |= {"imported_from": method.package, "gap": (full - empty - own.sum(axis=0)).tolist()}
        unknown = np.full(own.shape, np.inf)
        parts.append(record.explanation(one, method, ends, meta, values=np.array(own), stderr=unknown, df=0.0))
    once = record.ends(*range(len(parts)))
    return record.attribution(method.name, parts, sum(once.values()), once)
