"""Effects on a photo: the curves of its superpixels' opacities, asked in common batches over one set of reference rows."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from perturbxai.calls.arguments import MOST_BINS, several_features
from perturbxai.calls.crew import asked_by
from perturbxai.calls.record import Record
from perturbxai.core import checks
from perturbxai.core.quantiles import spread_rows
from perturbxai.core.questions import Opacities, Unanswered
from perturbxai.core.stopping import keeping
from perturbxai.core.types import Features, Floats, Inputs, Ints, Outputs
from perturbxai.estimation.curves.grid_tables import FromGrid
from perturbxai.estimation.curves.opacity import OpacityCurve, accumulated_opacity, averaged_opacity, half_effect, variation
from perturbxai.explainers.ale import BINS_OF_OPACITY
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import ImageInput, ImageSpace
from perturbxai.models.device import memory_left
from perturbxai.models.predictor import Predictor
from perturbxai.results.effect import Effect, EffectKey, Superpixel
from perturbxai.sampling.references import References
from perturbxai.sampling.streams import Streams

RESTS = ("uniform", "fade", "present", "absent", "half")
CURVES = 8  # players with whole curves, of the others only the rise
PAIRS = 20  # of reference rows, where no rows= says otherwise
LINES_AT_ONCE = 4096  # opacities asked together: many full batches, and few enough to hold


def photo_effects(
    named: Mapping[str, FromGrid], predictor: Predictor, space: ImageSpace, x: Inputs, features: Features | None, rest: str,
    outputs: Outputs | None, bins: object, rows: int | None, seed: int, n_jobs: int | None,
) -> dict[str, dict[EffectKey, Effect]]:  # fmt: skip
    """What `effects` gives for a photo. Everything that can be known without the model is refused first."""
    checks.one_of("rest", rest, RESTS)
    given, way = BINS_OF_OPACITY if bins is None else bins, f" to {MOST_BINS:,}, on a photo"
    n_bins = checks.whole("grid", given, 2, most=MOST_BINS, of="bins of opacity", way=way)
    for key, method in named.items():
        _check_options(key, method)
    game = Game(predictor, space, x, outputs)
    if len(game.inputs) > 1:
        raise ValueError(f"x has {len(game.inputs)} photos, and a curve is of one photo's superpixels; call once a photo.")
    one = game.pictures[0]
    chosen = _read_features(features, one)
    price = _Price(rest, n_bins, len(one.active), chosen, list(named.values()))
    n_pairs = price.count_pairs(rows)
    # what averages over all rows has the stream of explain's pdp, ale alone that of explain's ale: the rises are theirs
    streams = Streams(seed)
    rng = streams.of_input(one.digest, "pdp" if price.averaged else "ale")
    references = References.draw(rest, n_pairs, len(one.active), n_bins, rng)
    with predictor.watched("effects"), asked_by(predictor, n_jobs):
        return _Call(dict(named), game, streams, references, n_bins, chosen, rows).run()


def _check_options(key: str, method: FromGrid) -> None:
    """Refuse options of curves of columns: an opacity has no data to centre by, and its accumulated curve starts at 0."""
    for one in fields(method):
        if one.name in ("name", "ice_rows") or getattr(method, one.name) == one.default:
            continue
        raise ValueError(
            f"{key}: {one.name}={getattr(method, one.name)!r} is for tables; leave it out on a photo, where "
            "effects(grid=...) says how many bins of opacity there are."
        )


def _read_features(features: Features | None, one: ImageInput) -> list[int] | None:
    """Which active players, by their place among these, are asked about; None means all."""
    if not len(one.active):
        raise ValueError(
            "the fill shows every superpixel as the photo does, so no opacity has an effect; take another fill."
        )
    if features is None:
        return None
    place = {int(p): at for at, p in enumerate(one.active)}
    found = []
    for feature in several_features(features, "a superpixel, by name or number, or a list of them"):
        if isinstance(feature, tuple):
            raise ValueError(f"features: {feature!r} is a pair, and curves of a photo are of one superpixel; give a list.")
        player = _player(feature, one.names)
        if player not in place:
            raise ValueError(
                f"features: the fill shows {one.names[player]!r} as the photo does, so its opacity changes nothing; "
                "leave it out, or take another fill."
            )
        found.append(place[player])
    return list(dict.fromkeys(found))


def _player(feature: object, names: Sequence[str]) -> int:
    if isinstance(feature, str) and feature in names:
        return names.index(feature)
    if checks.is_whole(feature) and 0 <= feature < len(names):
        return int(feature)
    known = f"; the photo has {len(names)}, {names[0]!r} to {names[-1]!r}, or 0 to {len(names) - 1}."
    near = checks.did_you_mean(feature, names)
    raise ValueError(f"features: {checks.as_given(feature)} is not a superpixel of the photo{near or known}")


class _Price:
    """What reference rows cost at most, in model rows: as many as differ where no two reference rows are alike."""

    def __init__(
        self, rest: str, n_bins: int, n_active: int, chosen: list[int] | None, methods: Sequence[FromGrid]
    ) -> None:  # fmt: skip
        self.rest, self.bins = rest, n_bins
        self.single = rest in ("present", "absent")
        self.averaged = any(not m.accumulates for m in methods)
        self.accumulated = any(m.accumulates for m in methods)
        self.n_asked = n_active if chosen is None else len(chosen)
        self.n_curves = min(CURVES, n_active) if chosen is None else len(chosen)
        # pairs come in multiples of it: each bin of an accumulated curve takes as many rows
        self.step = n_bins if self.accumulated and not self.single else 1

    def of(self, n_pairs: int) -> int:
        """Model rows of so many pairs; of single rows whatever the pairs."""
        n_rows = 1 if self.single else 2 * n_pairs
        if not self.averaged and not self.single:
            return 2 + 2 * n_rows * self.n_asked
        ends = 2 * self.n_asked if self.rest == "fade" else self.n_asked + 1  # a row itself is an end for all players
        steps = 0
        if self.accumulated and not self.single:  # both sides of a bin, of which the outermost are ends
            steps = (2 * self.bins - 2) * (self.n_asked - self.n_curves)
        return 2 + n_rows * (ends + (self.bins - 1) * self.n_curves) + n_rows * steps // self.bins

    def count_pairs(self, rows: object) -> int:
        """How many pairs of reference rows are drawn. Raises ValueError where the model rows pay for too few."""
        n_pairs = -(-PAIRS // self.step) * self.step
        if rows is not None:
            n_rows = checks.whole("rows", rows, 1, of="model rows", way=", or None")
            least = self.of(self.step if self.accumulated else 2)
            if n_rows < least:
                raise ValueError(
                    f"rows={rows} is below the {least} model rows that curves of {self.n_curves} superpixels need here; ask "
                    f"for rows={least} or more, for fewer features, or for a smaller grid."
                )
            n_pairs = (n_rows - 2) // (self.of(self.step) - 2) * self.step  # two are the ends of the game
        asked, left = self.of(n_pairs), memory_left()
        if left is not None and 8 * asked > left:
            raise ValueError(
                f"grid={self.bins} and rows={checks.as_given(rows)} ask for {checks.as_given(asked)} model rows, whose "
                f"answers take more than the {left / 1e9:,.1f} GB of memory that are left; lower rows= or grid=."
            )
        return n_pairs


@dataclass(eq=False)
class _Call:
    """One call of effects() on a photo: what is asked, player by player, and what is concluded.

    ends, step {player: (M, 2, K)}, curves {player: (M, G, K)}: answers, as far as they were asked
    """

    named: dict[str, FromGrid]
    game: Game
    streams: Streams
    references: References
    bins: int
    chosen: list[int] | None
    budget: int | None
    ends: dict[int, Floats] = field(default_factory=dict)
    step: dict[int, Floats] = field(default_factory=dict)
    curves: dict[int, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.one = self.game.pictures[0]
        self.at = np.linspace(0.0, 1.0, self.bins + 1)
        self.asked = list(range(len(self.one.active))) if self.chosen is None else self.chosen
        self.record = Record(self.game, self.streams.seed)

    def run(self) -> dict[str, dict[EffectKey, Effect]]:
        """All effects; whatever stops it, those of the players whose answers came are in the exception's `partial`."""
        with keeping(lambda: None):  # without the photo's own values nothing is known of any player
            ((self.empty, self.full),) = self.game.ends_of([0], self._users(*self.named))
        with keeping(self._salvaged):
            leading = self.asked
            for into, points, users in self._parts():
                self._fill(into, leading if into is self.curves else self.asked, points, users)
                if into is self.ends:
                    leading = self._leading()
            return self._conclude()

    def _parts(self) -> list[tuple[dict[int, Floats], Ints, int]]:
        """What is asked, one after the other: where the answers go, the points that each row takes, and who reads them.

        Steps that are on whole curves were answered with these, and are not asked again.
        """
        accumulated = [key for key, method in self.named.items() if method.accumulates]
        stepping = [] if self.references.single else accumulated  # of a single row an accumulated curve is its own
        curved = [key for key in self.named if key not in stepping]
        whole = np.tile(np.arange(self.bins + 1), (len(self.references.others), 1))
        edges = np.column_stack([self.references.bin_of, self.references.bin_of + 1])
        found = [(self.ends, whole[:, [0, -1]], self._users(*curved))] * bool(curved and self.chosen is None)
        found += [(self.curves, whole, self._users(*curved))] * bool(curved)
        return found + [(self.step, edges, self._users(*stepping))] * bool(stepping)

    def _users(self, *keys: str) -> int:
        """Methods as bits, by which the game counts the rows of each."""
        numbers = list(self.named)
        return sum(1 << numbers.index(key) for key in keys)

    def _salvaged(self) -> dict[str, dict[EffectKey, Effect]]:
        """What is known of each player from the answers that came before a failure."""
        self.game.offline()
        for j in self.asked:
            for into, points, users in self._parts():
                if j not in into:
                    with contextlib.suppress(Unanswered):
                        self._fill(into, [j], points, users)
        return self._conclude()

    def _leading(self) -> list[int]:
        """The players with the largest mean rises, each output on its own scale, in the order of their numbers."""
        rises = np.array([np.abs((self.ends[j][:, 1] - self.ends[j][:, 0]).mean(axis=0)) for j in self.asked])
        size = (rises / np.maximum(rises.max(axis=0), 1e-300)).mean(axis=1)
        return sorted(self.asked[int(i)] for i in np.argsort(-size, kind="stable")[:CURVES])

    def _fill(self, into: dict[int, Floats], players: Sequence[int], points: Ints, users: int) -> None:
        """Ask the points (M, Q) of the grid that each reference row takes, of these players, in blocks.

        users: the methods that read the answers, as bits
        """
        n_rows, n_points = points.shape
        shape = (len(players), n_rows, n_points)
        found = np.empty((int(np.prod(shape)), len(self.game.learn().columns)))
        for low in range(0, len(found), LINES_AT_ONCE):
            lines = np.arange(low, min(low + LINES_AT_ONCE, len(found)))
            player, row, point = np.unravel_index(lines, shape)
            alpha = self.references.others[row].astype(np.float64)
            alpha[np.arange(len(lines)), np.asarray(players)[player]] = self.at[points[row, point]]
            found[lines] = self.game.ask([(0, Opacities(alpha))], users=[users])[0].values
        into.update(zip(players, found.reshape(*shape, found.shape[1]), strict=True))

    def _conclude(self) -> dict[str, dict[EffectKey, Effect]]:
        known = [self.full[None, None], *(a for part in (self.ends, self.step, self.curves) for a in part.values())]
        scale = np.max([np.abs(a).max(axis=(0, 1)) for a in known], axis=0) * np.sqrt(len(self.one.active))
        found: dict[str, dict[EffectKey, Effect]] = {}
        for key, method in self.named.items():
            meta = self._meta(key)
            made: dict[EffectKey, Effect] = {}
            for j in self.asked:
                name = self.one.names[self.one.active[j]]
                # a stream of its own, so that a band does not depend on what else is asked
                at, curve = self._curve(method, j, scale, self.streams.of_call(f"bands {name}"))
                if curve is not None:
                    made[name] = self._effect(method, j, at, curve, dict(meta))
            if self.chosen is None and len(made) == len(self.asked):
                rises = np.sum([one.superpixel.rise for one in made.values() if one.superpixel is not None], axis=0)
                for effect in made.values():
                    effect.meta["gap"] = (self.full - self.empty - rises).tolist()
            found[key] = made
        self.record.close(one.meta for made in found.values() for one in made.values())
        return found

    def _curve(
        self, method: FromGrid, j: int, scale: Floats, rng: np.random.Generator
    ) -> tuple[Floats, OpacityCurve | None]:
        """Where a method's curve of one player has points, and the curve; None where its answers did not come."""
        if method.accumulates and not self.references.single:
            if j not in self.step:
                return self.at, None
            rise = self.step[j][:, 1] - self.step[j][:, 0]
            return self.at, accumulated_opacity(rise, self.references.bin_of, self.bins, scale, rng)
        if (curves := self.curves.get(j, self.ends.get(j))) is None:
            return self.at, None
        at = self.at if j in self.curves else self.at[[0, -1]]
        return at, averaged_opacity(curves - curves[:, :1] if method.accumulates else curves, scale, rng)

    def _effect(self, method: FromGrid, j: int, at: Floats, curve: OpacityCurve, meta: dict[str, Any]) -> Effect:
        number = int(self.one.active[j])
        individual, rows = None, None
        of_rise = curve.df[-1] if isinstance(curve.df, np.ndarray) else curve.df
        if method.keeps_rows:
            every = self.curves[j] if j in self.curves else self.ends[j]
            drawn = spread_rows(len(every), method.keeps_rows)
            individual, rows = every[drawn], tuple(drawn.tolist())
        return Effect(
            names=(self.one.names[number],), outputs=self.game.outputs, grid=(at,), values=curve.values,
            stderr=curve.stderr, critical=curve.critical, df=curve.df, counts=curve.counts, importance=np.abs(curve.rise),
            heterogeneity=curve.spread, method=method, individual=individual, individual_rows=rows, meta=meta,
            superpixel=Superpixel(
                self.one.picture, self.one.labels, number, curve.rise, curve.climb_stderr[-1], of_rise, curve.climb_stderr,
                half_effect(at, curve), variation(curve), curve.non_monotone,
            ),
        )  # fmt: skip

    def _meta(self, key: str) -> dict[str, Any]:
        return self.record.meta(
            self.one, self.game.used(list(self.named).index(key)), self.record.ends(0), budget=self.budget,
            looked_at=self.one.active, shared_with=[k for k in self.named if k != key],
        ) | {
            "name": key, "rest": self.references.rest, "bins": self.bins, "reference_rows": len(self.references.others),
            "base": self.empty.tolist(), "prediction": self.full.tolist(),
        }  # fmt: skip
