"""A thing for all workers of a dask cluster, also for those that join it later or stand in for one that is lost."""

import contextlib
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

from distributed import WorkerPlugin

from perturbxai.calls.packing import Sent


class Bringer(WorkerPlugin):  # type: ignore[misc]
    """Unpacks things where a worker keeps them, before it is given a task."""

    def __init__(self, sent: Sent) -> None:
        self.sent, self.name = sent, f"perturbxai-{uuid4().hex}"

    def setup(self, worker: Any) -> None:  # noqa: ARG002
        _ = self.sent.things


def brought(sent: Sent, client: Any, end: ExitStack) -> bool:
    """Give a thing to all workers, until `end`. False where that fails: each task then brings it, and tells why."""
    bringer = Bringer(sent)

    def take_back() -> None:
        with contextlib.suppress(Exception):  # the cluster may be gone
            client.unregister_worker_plugin(bringer.name)

    try:
        client.register_plugin(bringer)
    except Exception:
        take_back()
        return False
    end.callback(take_back)
    return True
