"""context(): what lies around explained rows or pictures in the data: what is most like them, and how far off it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from perturbxai.calls.arguments import AnyModel, AnySpace, asked
from perturbxai.calls.decisions import Decide, decisions
from perturbxai.calls.likeness import ROUNDING, Likeness, Things, likeness_of, things_of
from perturbxai.calls.picture_features import Embed
from perturbxai.core import checks
from perturbxai.core.types import Bools, Codes, Floats, Inputs, Ints, Layer, Objects
from perturbxai.inputs.row_names import distinct, hash_rows
from perturbxai.inputs.spaces import ImageInput, Input, TableInput, TabularSpace
from perturbxai.models.predictor import Predictor
from perturbxai.results.context import Context, Neighbours
from perturbxai.sampling.streams import Streams

MIXED = 200  # rows mixed of an explained row and background rows, by which its ground is judged
EDGE = 0.95  # of the data lie nearer to their nearest than what is called unlike them


def context(
    predictor: AnyModel,
    space: AnySpace,
    x: Inputs,
    *,
    n: int = 3,
    data: Inputs | None = None,
    metric: str | Callable[[Any, Any], Any] = "gower",
    embed: Embed = None,
    layer: Layer | None = None,
    decide: Decide = None,
    rows: int = 5000,
    seed: int = 0,
) -> Context:
    """What lies around rows or pictures in the data: the most alike, those decided otherwise, and how thin the data are.

    predictor  the model, or px.Predictor(model) with its options
    space      X or px.TabularSpace(X), whose rows are the data; of pictures px.ImageSpace()
    x          (N, D) rows, one or several, or pictures, as in `explain`
    n          how many neighbours of each kind: of all, and of those that are decided otherwise
    data       pictures to look among; of a table None, for the data are the space's
    metric, embed, layer  how far two lie apart, as in `prototypes`
    decide     a function from outputs (n, K) to a decision for each, (n,), such as lambda p: p[:, 1] > 0.3. None: the class
               of the highest output (of pictures whatever its scale), of a single probability above 1/2; a model of
               numbers decides otherwise where its prediction is more than a deviation of all predictions away
    rows       how many of the data are looked at and asked at most, drawn by their weights
    seed       of that draw, and of the mixed rows below

    For each input it tells, in `far`, which share of the data lie at least as far from their nearest as it does from its
    own: .01 says that it is stranger than 99 % of them. A row that is itself in the data counts once among them, and is no
    neighbour of its own. It is a conformal p-value: of new rows like the data a share of
    at most a have `far` <= a.
    `ground` is about the explanation: methods that hide columns (SHAP, LIME, PDP, ICE) ask about rows that are mixed of x
    and the background, 200 of which are drawn, their numbers of shown columns uniform. It tells what share of them lies
    farther from the data than 95 % of the data's own rows; above one half, what the model says there was hardly learned
    anywhere, and values stand on thin ground (`ale` asks near the data). None of pictures, which are unlike any where a part
    is hidden.

    Costs a model row for each of the data that are looked at, and for each input that is not among them. Memory holds the
    distances between these, and from each input to them.
    Raises TypeError or ValueError, before the model is asked, for arguments that do not go together, data of fewer than two,
    infinite numbers; ModelError if the model fails.

    >>> import numpy as np, perturbxai as px
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0], [10.0]])
    >>> found = px.context(lambda X: (X[:, 0] > 1.5) * 1.0, X, [[1.0]], n=1, decide=lambda p: p[:, 0] > 0.5)
    >>> found.alike.numbers.tolist(), found.otherwise.numbers.tolist(), found.far.tolist()
    ([[0]], [[2]], [1.0])
    """
    predictor, space = asked(predictor, space)
    how_many, most = checks.whole("n", n, 1, of="neighbours"), checks.whole("rows", rows, 2, of="rows")
    if decide is not None and not callable(decide):
        raise TypeError(f"decide is {type(decide).__name__}; expected a function from outputs (n, K) to decisions (n,).")
    streams = Streams(checks.seed(seed))
    if isinstance(space, TabularSpace) == (data is not None):
        table = "of a table they are the rows of the space; leave data= out"
        raise ValueError(f"data: {table if data is not None else 'give the pictures to look among: data=[...]'}.")
    among = space if isinstance(space, TabularSpace) else data
    assert among is not None  # or it was refused
    things = things_of(among, most, streams.of_call("rows"))
    inputs: list[Input] = list(space.players(x))
    looked, alike = _looked(inputs, things), likeness_of(things, metric, embed, layer)
    _refuse_endless(looked)
    own, distance, spread = _own(looked, things), alike.between(looked, things), _own_nearest(things, alike)
    distance = np.where(own, np.inf, distance)
    ground = None
    if isinstance(space, TabularSpace):
        ground = _grounds(inputs, space, things, alike, own, spread, streams)
    before = predictor.rows
    with predictor.watched("context"):
        known, outputs = _asked_once(predictor, things, looked, own)
    found = decisions(predictor, decide, known, outputs, things.share, classes=things.space is None)
    meta = {
        "seed": streams.seed, "rows": predictor.rows - before, "data": things.n_data, "looked_at": len(things),
        "scale": predictor.output, "rule": found.rule, "numbers": found.numbers,
    }  # fmt: skip
    return Context(
        tuple(one.label for one in inputs), outputs, predictor.outputs or (), found.looked,
        _neighbours(distance, how_many, things, found.data, known),
        _neighbours(np.where(found.others, distance, np.inf), how_many, things, found.data, known),
        _far(distance, own, spread, things), ground, tuple(one.source for one in inputs),
        *_has(looked), meta,
    )  # fmt: skip


def _asked_once(predictor: Predictor, things: Things, looked: Things, own: Bools) -> tuple[Floats, Floats]:
    """The model at the data (R, K), and at the inputs (N, K), of which those among the data are not asked again."""
    known = predictor(things.given())
    there, first = own.any(axis=1), _first_alike(looked)
    fresh = np.unique(first[~there])
    outputs = known[np.argmax(own, axis=1)]
    if len(fresh):
        place = {int(i): n for n, i in enumerate(fresh)}
        found = predictor(looked.part(fresh).given())
        outputs[~there] = found[[place[int(i)] for i in first[~there]]]
    return known, outputs


def _first_alike(looked: Things) -> Ints:
    """(N,): for each input the first that is the same."""
    if looked.codes is None:
        names = [one.tobytes() + repr(one.shape).encode() for one in looked.pictures or ()]
        return np.array([names.index(one) for one in names])
    _, first, place = distinct(hash_rows(looked.codes))
    return np.asarray(first[place])


def _looked(inputs: Sequence[Input], things: Things) -> Things:
    """The inputs as things among those of the data."""
    numbers, share = np.arange(len(inputs)), np.full(len(inputs), 1.0 / len(inputs))
    rows = [one.codes for one in inputs if isinstance(one, TableInput)]
    if rows:
        return Things(numbers, share, len(inputs), len(inputs), things.space, np.array(rows))
    pictures = tuple(one.picture for one in inputs if isinstance(one, ImageInput))
    return Things(numbers, share, len(inputs), len(inputs), pictures=pictures)


def _refuse_endless(looked: Things) -> None:
    if looked.codes is not None and looked.space is not None and (there := np.isinf(looked.codes).any(axis=0)).any():
        name = looked.space.columns.names[int(np.argmax(there))]
        raise ValueError(f"x has infinite values in {name!r}, which no distance can be told from; leave these rows out.")


def _has(looked: Things) -> tuple[Objects | None, tuple[str, ...]]:
    """What inputs have at each player, and the players' names; None and none of pictures."""
    if looked.space is None or looked.codes is None:
        return None, ()
    return _told(looked.space, looked.codes), looked.space.names


def _own(looked: Things, things: Things) -> Bools:
    """(N, R): which of the data an input itself is."""
    if looked.codes is not None and things.codes is not None:
        mine, theirs = (hash_rows(codes) for codes in (looked.codes, things.codes))
        same: Bools = (mine[:, None] == theirs[None]).all(axis=2)
        return same
    pairs = [[np.array_equal(a, b) for b in things.pictures or ()] for a in looked.pictures or ()]
    return np.array(pairs, dtype=bool)


def _own_nearest(things: Things, alike: Likeness) -> Floats:
    """(R,): how far each of the data lies from the nearest other."""
    distance = alike.between(things, things)
    np.fill_diagonal(distance, np.inf)
    return np.asarray(distance.min(axis=1))


def _far(distance: Floats, own: Bools, spread: Floats, things: Things) -> Floats:
    """(N,): the share of the data, and the input among them, that lie at least as far from their nearest.

    distance (N, R): from inputs to the data, infinite to itself;  spread (R,): of the data among each other
    """
    mine = distance.min(axis=1)[:, None]
    there: Bools = np.asarray(own.any(axis=1))
    # a further row may be the nearest to some of the data, too
    others = np.where(there[:, None], spread, np.minimum(spread, distance))
    found = (others >= mine * (1.0 - ROUNDING)) @ things.share  # equal distances that were rounded apart are equal
    weight = 1.0 / things.n_drawn
    return np.asarray(np.where(there, found, (weight + found) / (1.0 + weight)))


def _grounds(
    inputs: Sequence[Input],
    space: TabularSpace,
    things: Things,
    alike: Likeness,
    own: Bools,
    spread: Floats,
    streams: Streams,
) -> Floats:
    """(N,): the share of mixed rows that lie farther from the data than most of these; NaN where nothing can be hidden."""
    order = np.argsort(spread, kind="stable")
    edge = spread[order][min(int(np.searchsorted(np.cumsum(things.share[order]), EDGE)), len(order) - 1)]
    found = np.full(len(inputs), np.nan)
    for i, one in enumerate(inputs):
        assert isinstance(one, TableInput)  # of a table
        if len(one.active) > 1:
            codes = _mixed(one, space, streams.of_input(one.digest, "mixed rows"))
            lot = Things(np.arange(MIXED), np.full(MIXED, 1.0 / MIXED), MIXED, MIXED, space, codes)
            far = np.where(own[i], np.inf, alike.between(lot, things)).min(axis=1)
            found[i] = float(np.mean(far > edge * (1.0 + ROUNDING)))
    return found


def _mixed(one: TableInput, space: TabularSpace, rng: np.random.Generator) -> Codes:
    """(200, D): the row where players are shown, a background row where they are not; so many shown as not, uniformly."""
    n = len(one.active)
    size = rng.integers(1, n, MIXED)
    z = np.argsort(np.argsort(rng.random((MIXED, n)), axis=1), axis=1) < size[:, None]
    shown = np.column_stack([z, np.ones(MIXED, dtype=bool)])[:, one.player]  # player -1 is the last column
    base = rng.choice(len(space.background), MIXED, p=space.background_weights)
    return np.where(shown, one.codes, space.background[base])


def _neighbours(far: Floats, n: int, things: Things, decided: Sequence[str], outputs: Floats) -> Neighbours:
    """The n of the data that are nearest to each input; those at an infinite distance are none."""
    order = np.argsort(far, axis=1, kind="stable")[:, :n]
    distance = np.take_along_axis(far, order, axis=1)
    there = np.isfinite(distance)
    has = None if things.space is None or things.codes is None else _told(things.space, things.codes[order.ravel()])
    return Neighbours(
        np.where(there, things.number[order], -1), np.where(there, distance, np.nan),
        tuple(things.labels(own[known]) for own, known in zip(order, there, strict=True)),
        tuple(tuple(decided[i] for i in own[known]) for own, known in zip(order, there, strict=True)),
        np.where(there[:, :, None], outputs[order], np.nan),
        None if has is None else has.reshape(*order.shape, -1),
        None if things.pictures is None
        else tuple(tuple(things.pictures[i] for i in own[known]) for own, known in zip(order, there, strict=True)),
    )  # fmt: skip


def _told(space: TabularSpace, codes: Codes) -> Objects:
    """(n, P): what rows have at each player, in the table's own terms."""
    return space.row_values.tell(codes)
