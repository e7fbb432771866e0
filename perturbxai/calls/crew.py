"""A model that several workers ask: of a long plan each asks some rows, and the answers come in the order of the rows."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from perturbxai.calls import workers
from perturbxai.calls.sent_once import hold, sent_once
from perturbxai.calls.shipment import Shipment
from perturbxai.core.stopping import context, keep
from perturbxai.core.types import Floats
from perturbxai.models.meters import Meters
from perturbxai.models.plan import Plan
from perturbxai.models.predictor import Batch, Predictor

MANY = 1 << 20  # more tasks than there are workers anywhere
FEW = 1000  # rows that do not tell how long many take; a batch does
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
        self._shipment: Shipment | None = None

    def __call__(self, plan: Plan) -> Iterator[Batch]:
        """As `Predictor.run`. An error is raised when all that comes before it came."""
        predictor, first, few = self.predictor, 0, min(FEW, self.predictor.batch(plan))
        if predictor.kind != "network" and predictor.rows < few:
            # a forest takes as long for one row as for a thousand: these tell its pace
            rows, seconds, first = predictor.rows, predictor.seconds, min(few, len(plan))
            yield from self._here(plan, 0, first)
            pace = (predictor.seconds - seconds) / max(predictor.rows - rows, 1)
        else:
            pace = predictor.seconds / max(predictor.rows, 1)
        bounds = self._cut(plan, first, pace)
        yield from self._here(plan, first, len(plan)) if len(bounds) < 3 else self._away(plan, bounds)

    def _away(self, plan: Plan, bounds: list[int]) -> Iterator[Batch]:
        if self._shipment is None:
            hold(*self.predictor.lasting)
            self._shipment = Shipment(self.predictor.apart())
        self.predictor.expect(bounds[-1] - bounds[0])
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

    def _here(self, plan: Plan, first: int, last: int) -> Iterator[Batch]:
        batches = self.predictor.run(plan, first, last)
        while True:
            with workers.alone():
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _cut(self, plan: Plan, first: int, pace: float) -> list[int]:
        """Where a plan is cut, from a row on. pace: seconds of the model for a row.

        Batches stay as they are in one process, for a network's answers hang on them; those of other models are cut where
        there are fewer than workers.
        """
        n_rows, unit = len(plan) - first, self.predictor.batch(plan)
        if self.predictor.kind != "network" and unit * workers.how_many(self.n_jobs, n_rows) > n_rows:
            unit = 1
        n_units = -(-n_rows // unit)
        n_most = min(n_units, int(pace * n_rows / SECONDS_A_PART))
        n_parts = max(1, min(n_most, workers.TASKS_A_WORKER * workers.how_many(self.n_jobs, n_most)))
        return [first + min(n_rows, n_units * at // n_parts * unit) for at in range(n_parts + 1)]


@context
def asked_by(predictor: Predictor, n_jobs: int | None) -> Iterator[int]:
    """Within, so many workers ask the predictor's long plans, None as in `explain`: how many they are."""
    n_workers = workers.how_many(n_jobs, MANY)
    if n_workers < 2 or predictor._crew is not None:
        yield n_workers
        return
    with sent_once():
        predictor._crew = Crew(predictor, n_jobs)
        try:
            yield n_workers
        finally:
            predictor._crew = None
