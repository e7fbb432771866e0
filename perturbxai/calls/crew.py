"""A model that several workers ask: of a long plan each asks some rows, and the answers come in the order of the rows."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from perturbxai.calls import workers
from perturbxai.core.stopping import context, keep
from perturbxai.core.types import Floats
from perturbxai.models.meters import Meters
from perturbxai.models.plan import Plan
from perturbxai.models.predictor import Batch, Predictor

MANY = 1 << 20  # more tasks than there are workers anywhere
SECONDS_A_PART = 0.05  # of the model, at least: to send a part and its answers takes some milliseconds


@dataclass(frozen=True)
class Part:
    """Rows first..last of a plan, as a worker gets them."""

    plan: Plan
    first: int
    last: int


@dataclass(frozen=True)
class Answered:
    """What a worker asked of its part, as far as it came, and what that cost."""

    batches: list[tuple[int, int, Floats]]
    meters: Meters


def _ask(predictor: Predictor, part: Part) -> Answered:
    own = predictor.apart()
    found: list[tuple[int, int, Floats]] = []
    try:
        for start, stop, values in own.run(part.plan, part.first, part.last):
            found.append((start, stop, np.array(values)))
    except Exception as error:
        keep(error, Answered(found, own.meters))
        raise
    return Answered(found, own.meters)


class Crew:
    """Workers who ask a predictor what a call asks of it, for as long as the call lasts.

    What is asked and counted, and what a failure leaves, is as in one process, but that rows behind a failure may have been
    asked too. A plan of which two parts are not worth sending is asked here.
    """

    def __init__(self, predictor: Predictor, n_jobs: int | None) -> None:
        self.predictor, self.n_jobs = predictor, n_jobs
        self._shipment: workers.Shipment | None = None

    def __call__(self, plan: Plan) -> Iterator[Batch]:
        """As `Predictor.run`. An error is raised when all that comes before it came."""
        bounds = self._cut(plan)
        if len(bounds) < 3:
            yield from self._here(plan)
            return
        if self._shipment is None:
            self._shipment = workers.Shipment(self.predictor.apart())
        self.predictor.expect(len(plan))
        parts = [Part(plan, first, last) for first, last in pairwise(bounds)]
        came: dict[int, workers.Done] = {}
        number = 0
        with closing(workers.spread(_ask, self._shipment, parts, self.n_jobs)) as coming:
            for done in coming:
                came[done.number] = done
                if isinstance(done.found, Answered):  # else it failed before it began
                    self.predictor.account(done.found.meters, announced=True)
                while number in came:
                    one, number = came.pop(number), number + 1
                    if isinstance(one.found, Answered):
                        yield from one.found.batches
                    if one.error is not None:
                        raise one.error

    def _here(self, plan: Plan) -> Iterator[Batch]:
        batches = self.predictor.run(plan, 0, len(plan))
        while True:
            with workers.alone():
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _cut(self, plan: Plan) -> list[int]:
        """Where a plan is cut: between batches as they are in one process, for a network's answers hang on them; other plans
        that have fewer batches than there are workers within them."""
        predictor, n_rows = self.predictor, len(plan)
        seconds = predictor.seconds / max(predictor.rows, 1) * n_rows
        unit = predictor.batch(plan)
        if predictor.kind != "network" and unit * workers.how_many(self.n_jobs, n_rows) > n_rows:
            unit = 1
        n_units = -(-n_rows // unit)
        n_most = min(n_units, int(seconds / SECONDS_A_PART))
        n_parts = min(n_most, workers.TASKS_A_WORKER * workers.how_many(self.n_jobs, n_most))
        return [min(n_rows, n_units * at // n_parts * unit) for at in range(n_parts + 1)] if n_parts > 1 else [0, n_rows]


@context
def asked_by(predictor: Predictor, n_jobs: int | None) -> Iterator[int]:
    """Within, so many workers ask the predictor's long plans, None as in `explain`: how many they are."""
    n_workers = workers.how_many(n_jobs, MANY)
    if n_workers < 2 or predictor._crew is not None:
        yield n_workers
        return
    predictor._crew = Crew(predictor, n_jobs)
    try:
        yield n_workers
    finally:
        predictor._crew = None
