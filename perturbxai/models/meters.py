"""What a Predictor counts, and how it counts what others ask for it."""

import copy
import math
from typing import Any, NamedTuple, Self

from perturbxai.models.ahead import Ahead
from perturbxai.models.batches import Batches
from perturbxai.models.device import keep_memory, settle_heap
from perturbxai.models.estimators import CallableModel, EstimatorModel
from perturbxai.models.networks import NetworkModel
from perturbxai.models.progress import Bar, Progress


class Meters(NamedTuple):
    """What was asked: rows that came back, rows asked again, seconds in the model, clipped logits; and rows that fit."""

    rows: int
    retried: int
    seconds: float
    clipped: int
    limit: int | None


class Metered:
    """The meters of a Predictor: rows that came back, seconds inside the model, and what its batches know of memory."""

    rows: int
    seconds: float
    memory: str
    progress: Progress
    _model: EstimatorModel | CallableModel | NetworkModel
    _batches: Batches
    _ahead: Ahead
    _bar: Bar | None
    _pace: float | None
    _crew: Any

    @property
    def meters(self) -> Meters:
        return Meters(self.rows, self._batches.retried, self.seconds, self._model.clipped, self._batches.limit)

    def since(self, before: Meters) -> Meters:
        """What was asked since the meters stood so."""
        rows, retried, seconds, clipped, limit = self.meters
        return Meters(
            rows - before.rows, retried - before.retried, seconds - before.seconds, clipped - before.clipped, limit
        )  # fmt: skip

    def account(self, other: Meters, announced: bool = False) -> None:
        """Take what a part of a call has asked elsewhere to what is asked here. announced: the bar expects its rows."""
        self.seconds += other.seconds
        self._batches.retried += other.retried
        self._model.clipped += other.clipped
        limits = [limit for limit in (self._batches.limit, other.limit) if limit]
        self._batches.limit = min(limits, default=None)
        if announced and self._bar is not None:
            self.rows += other.rows
            self._bar.advance(other.rows)
        else:
            self._pass_by(other.rows)

    def expect(self, rows: int) -> None:
        """Announce rows that will be asked elsewhere."""
        if self._bar is not None:
            self._bar.expect(rows)

    def _pass_by(self, passed: int) -> None:
        """Rows that nobody announced: that another asked, or that went through the lent network."""
        self.rows += passed
        if self._bar is not None:
            self._bar.pass_by(passed)

    def apart(self) -> Self:
        """The same model, run alike, with meters of its own: for a part of a call that another worker asks, in silence."""
        found = copy.copy(self)
        found.rows, found.seconds, found.progress, found._crew = 0, 0.0, False, None
        found._batches, found._bar = Batches(self._model.device, self._batches.limit), Bar(False, "")
        found._model, found._ahead = copy.copy(self._model), Ahead(self._model.device)
        found._model.clipped = 0
        if self.memory == "keep":
            keep_memory()
        elif not isinstance(self._model, NetworkModel):
            settle_heap()
        return found

    @property
    def lasting(self) -> tuple[Any, ...]:
        """What is the user's and the same of all that are apart: the model, also as a private copy, and functions around it,
        which may share with it what they know."""
        model = self._model
        around = [one for one in (model.transform, model.select) if callable(one)]
        return (model.model, *(model.passes.copies if isinstance(model, NetworkModel) else ()), *around)

    @property
    def library(self) -> str:
        """The package that the model's class is of."""
        return type(self._model.model).__module__.partition(".")[0]

    @property
    def pace(self) -> float:
        """Seconds a row, to a power of ten, as they were when this was first read: what hangs on it is decided once."""
        if self._pace is None and self.rows and self.seconds > 0.0:
            self._pace = 10.0 ** round(math.log10(self.seconds / self.rows))
        return self._pace or 0.0

    def keep_pace(self, pace: float) -> None:
        """Take a pace that was found before, so that what hangs on it is decided as it was then."""
        self._pace = pace

    @property
    def retried_rows(self) -> int:
        """Rows asked again after memory ran out."""
        return self._batches.retried
