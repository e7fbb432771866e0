"""Photos of a call of baselines() in chunks, each explained by a worker: the same results and counts as in one process."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

from perturbxai.baseline_methods.inside import Inside, Told, bytes_of
from perturbxai.baseline_methods.kinds import OfLayer
from perturbxai.calls import workers
from perturbxai.calls.baselines_call import BaselinesCall, Placed
from perturbxai.calls.record import Record
from perturbxai.calls.sent_once import hold
from perturbxai.core.stopping import keep, note
from perturbxai.game.game import Game
from perturbxai.game.image_asker import Ends
from perturbxai.inputs.spaces import ImageInput
from perturbxai.models.meters import Meters
from perturbxai.results.explanation import Explanation


@dataclass(frozen=True)
class Common:
    """What all chunks need: a call of baselines() without its photos, and where the maps are."""

    placed: Placed
    game: Game
    layers: tuple[str, ...] | None
    score: str
    differentiate: bool
    lost: int
    told: Told

    def of(self, inputs: Sequence[ImageInput]) -> BaselinesCall:
        """The call about some photos, with meters of its own."""
        game = self.game.part(inputs, self.game.predictor.apart())
        inside = Inside(game.predictor, game, self.layers, self.score, self.differentiate)
        return BaselinesCall(self.placed, Record(game), inside, self.lost)


@dataclass(frozen=True)
class Photos:
    """Some photos as a worker gets them, with what is known of their ends."""

    numbers: Sequence[int]
    inputs: Sequence[ImageInput]
    ends: Sequence[Ends]


@dataclass(frozen=True)
class Chunk:
    """What was found of photos, by number, and what it took. came_along: of which photos v(N) came with a look."""

    found: dict[int, dict[str, Explanation]]
    came_along: set[int]
    asked: tuple[int, float]
    told: Told
    meters: Meters


def _explain(common: Common, own: Photos) -> Chunk:
    call = common.of(own.inputs)
    game, inside = call.record.game, call.inside

    def chunk() -> Chunk:
        found = {number: one for number, one in zip(own.numbers, call.found, strict=False) if one}
        along = {own.numbers[at] for at in inside.came_along}
        return Chunk(found, along, inside.asked, inside.told(), game.predictor.meters)

    try:
        for at, ends in enumerate(own.ends):
            game.know_ends(at, ends)
        inside.know(common.told)
        call.run()
    except Exception as error:
        keep(error, chunk())
        labels = own.inputs[0].label, own.inputs[-1].label
        note(error, f"while a worker explained {labels[0]!r}" + f" to {labels[1]!r}" * (len(own.inputs) > 1))
        raise
    return chunk()


class PhotoChunks:
    """Explains photos of a call elsewhere, once their ends are known.

    Where the maps are is found here for sizes that come more than once, so that it is found once.
    """

    def __init__(self, call: BaselinesCall, n_jobs: int | None) -> None:
        self.call, self.n_jobs = call, n_jobs

    def __call__(self, numbers: Sequence[int]) -> None:
        game = self.call.record.game
        if self.call.looks:
            sizes = Counter(game.pictures[number].picture.shape for number in numbers)
            for number in numbers:
                picture = game.pictures[number].picture
                if not self.call.inside.recalls(picture) and sizes[picture.shape] > 1:
                    self.call.inside.places(picture)
        chunks = [self._away(some) for some in self._cut(numbers)]
        try:
            with closing(workers.spread(_explain, self._common(), chunks, self.n_jobs)) as coming:
                for done in coming:
                    if isinstance(done.found, Chunk):  # else it failed before it began
                        self._take(done.found)
                    if done.error is not None:
                        raise done.error
        finally:
            self._count_shared_fills([number for number in numbers if self.call.found[number]])

    def _count_shared_fills(self, numbers: Sequence[int]) -> None:
        """A fill that is that of the photo before is looked at once in one process, and counted so here."""
        fills = [bytes_of(self.call.record.game.pictures[number].fill) for number in numbers]
        alike = sum(one == other for one, other in pairwise(fills))
        for key, (method, _) in self.call.placed.items():
            if alike and isinstance(method, OfLayer) and method.needs_fill:
                self.call.inside.shared[key] = alike

    def _cut(self, numbers: Sequence[int]) -> list[Sequence[int]]:
        n_chunks = min(len(numbers), workers.TASKS_A_WORKER * workers.how_many(self.n_jobs, len(numbers)))
        bounds = [len(numbers) * at // n_chunks for at in range(n_chunks + 1)]
        return [numbers[low:high] for low, high in pairwise(bounds)]

    def _away(self, numbers: Sequence[int]) -> Photos:
        game = self.call.record.game
        return Photos(numbers, [game.pictures[n] for n in numbers], [game.known_ends(n) for n in numbers])

    def _common(self) -> Common:
        call, inside = self.call, self.call.inside
        game = call.record.game
        hold(game.space)
        hold(*game.predictor.lasting)
        game = game.part([], game.predictor.apart())
        return Common(call.placed, game, inside.layers, inside.score, inside.differentiate, call.lost, inside.told())

    def _take(self, chunk: Chunk) -> None:
        inside = self.call.inside
        self.call.record.game.predictor.account(chunk.meters)
        inside.know(chunk.told)
        inside.came_along |= chunk.came_along
        inside.asked = inside.asked[0] + chunk.asked[0], inside.asked[1] + chunk.asked[1]
        for number, found in chunk.found.items():
            self.call.take(number, found)
