"""Tasks that workers do: processes, threads or the machines of a cluster, as the caller's `joblib.parallel_config` says."""

import contextlib
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from perturbxai.calls.library_threads import at_most, one_thread_of_blas
from perturbxai.calls.packing import Lacking
from perturbxai.calls.sent_once import current
from perturbxai.calls.shipment import Received, Shipment
from perturbxai.core import checks
from perturbxai.core.stopping import ModelError, context, note
from perturbxai.models.device import bounded_threads

TASKS_A_WORKER = 4  # so that no worker waits long for the slowest, and a failure loses little


def check_n_jobs(n_jobs: int | None) -> int | None:
    """A number of workers as joblib takes it. Raises ValueError for others."""
    if n_jobs is None:
        return None
    if not checks.is_whole(n_jobs) or n_jobs == 0:
        raise ValueError(
            f"n_jobs={checks.as_given(n_jobs)} must be a whole number of workers: 1 or more, -1 for one a core, or None for "
            "as many as joblib.parallel_config says, else one."
        )
    return int(n_jobs)


def how_many(n_jobs: int | None, n_tasks: int) -> int:
    """Workers for so many tasks: of None as many as the caller's `joblib.parallel_config` says, else one."""
    if n_tasks < 2 or (n_jobs is None and "joblib" not in sys.modules):
        return 1
    import joblib

    return max(1, min(int(joblib.effective_n_jobs(n_jobs)), n_tasks))


@contextlib.contextmanager
def travelling(folder: str) -> Iterator[None]:
    """Within, what the modules of a folder define travels as it is, where workers would not find these by their names."""
    import cloudpickle

    found = [one for one in list(sys.modules.values()) if isinstance(one, ModuleType) and _only_in(folder, one)]
    for module in found:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in found:
            cloudpickle.unregister_pickle_by_value(module)


def _only_in(folder: str, module: ModuleType) -> bool:
    """Whether a module lies there, and in no place where workers look for modules too."""
    if not getattr(module, "__file__", None):
        return False
    file = os.path.realpath(str(module.__file__))
    others = [os.path.join(os.path.realpath(one), "") for one in sys.path if one]
    return file.startswith(os.path.join(os.path.realpath(folder), "")) and not any(map(file.startswith, others))


@dataclass
class Done:
    """What became of a task: what it found, the error that stopped it, and the warnings that it raised elsewhere.

    lacks  it was not begun, for the worker has not got what all tasks need
    """

    number: int
    found: Any = None
    error: Exception | None = None
    warned: list[tuple[str, type[Warning], str, int]] = field(default_factory=list)
    lacks: bool = False


def alone() -> AbstractContextManager[Any]:
    """A context in which a model that asks joblib for workers, as a forest of scikit-learn does, gets none: they are for the
    call. Such a model sums its trees in the order in which threads bring them, and differs by rounding from time to time."""
    import joblib

    found: AbstractContextManager[Any] = joblib.parallel_config(backend="sequential")
    return found


def _do(task: Callable[[Any, Any], Any], shipment: Shipment | Received, number: int, own: Any, threads: int) -> Done:
    done = Done(number)
    with contextlib.ExitStack() as stack:
        stack.enter_context(bounded_threads(threads))
        stack.enter_context(alone())
        caught: list[warnings.WarningMessage] = []
        if not shipment.here:
            stack.enter_context(at_most(threads))
            caught = stack.enter_context(warnings.catch_warnings(record=True))
        try:
            done.found = task(shipment.given, own)
        except Lacking:
            done.lacks = True
        except Exception as error:
            done.found = getattr(error, "partial", None)
            done.error = error if shipment.here else _portable(error)
    done.warned = [(str(w.message), w.category, w.filename, w.lineno) for w in caught]
    return done


def _portable(error: Exception) -> Exception:
    """An error that can leave its process, with a note that says where it was raised."""
    import cloudpickle

    told = "".join(traceback.format_exception(error)).rstrip()
    with contextlib.suppress(Exception):
        error.__dict__.pop("partial", None)  # it travels beside
    try:
        found: Exception = cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:
        found = ModelError(f"{type(error).__name__}: {error}")
    note(found, f"in a worker:\n{told}")
    return found


def spread(
    task: Callable[[Any, Any], Any], given: Any, tasks: Sequence[Any], n_jobs: int | None
) -> Generator[Done, None, None]:
    """task(given, own) for each of the tasks, as they come back. Who stops to take them stops the workers.

    given  what all tasks need, or a Shipment of it that has gone out before;  warnings of workers are raised here
    """
    import joblib

    shipment = given if isinstance(given, Shipment) else Shipment(given)
    backend, left, told = joblib.parallel.get_active_backend()[0], list(range(len(tasks))), dict[Any, Any]()
    apart = not getattr(backend, "supports_sharedmem", False)
    if apart:
        shipment.pack()
    for sent in shipment.ways(getattr(backend, "client", None)) if apart else [shipment]:
        lacking = []
        with closing(_round(task, sent, {at: tasks[at] for at in left}, n_jobs)) as coming:
            for done in coming:
                for message, category, filename, line in done.warned:
                    warnings.warn_explicit(message, category, filename, line, registry=told)
                if done.lacks:
                    lacking.append(done.number)
                else:
                    yield done
        if not (left := lacking):
            return


def _round(
    task: Callable[[Any, Any], Any], shipment: Shipment, tasks: Mapping[int, Any], n_jobs: int | None
) -> Generator[Done, None, None]:
    """The tasks, by number, as they come back."""
    import joblib

    threads = max(1, joblib.cpu_count() // how_many(n_jobs, len(tasks)))
    # a process has one BLAS: where workers are its threads, none may give it more than the others solve with
    with _open(n_jobs) as parallel, one_thread_of_blas():
        coming = parallel(joblib.delayed(_do)(task, shipment, at, own, threads) for at, own in tasks.items())
        try:
            for done in coming:  # noqa: UP028 - yield from would close it before the warnings are off
                yield done
        finally:
            if hasattr(coming, "close"):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # that tasks are cancelled is what is asked for
                    coming.close()


@context
def _open(n_jobs: int | None) -> Iterator[Any]:
    """joblib's Parallel; where its workers begin and end with it, as ray's do, the one that the run has open."""
    import joblib

    run, backend = current(), joblib.parallel.get_active_backend()[0]
    if run is None or not isinstance(backend, joblib.parallel.MultiprocessingBackend):
        yield _parallel(n_jobs)
        return
    found = run.idle.pop((type(backend), n_jobs), None) or _parallel(n_jobs).__enter__()
    try:
        yield found
    except BaseException:
        found.__exit__(None, None, None)
        raise
    run.idle[type(backend), n_jobs] = found


def _parallel(n_jobs: int | None) -> Any:
    """Results as they come, or, of backends that cannot, when all are there."""
    import joblib

    try:
        return joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered", batch_size=1)
    except ValueError:
        return joblib.Parallel(n_jobs=n_jobs, batch_size=1)
