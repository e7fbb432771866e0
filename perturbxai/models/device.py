"""What depends on the machine: the allocator, memory that ran out, where a network lives. Each has a plain CPU meaning."""

import ctypes
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import numpy as np

from perturbxai.core.checks import as_given
from perturbxai.core.methods import FromCoalitions
from perturbxai.models.torch_types import Where

BATCH_BYTES = 1 << 26
LARGEST_BATCH = 16_384
# of scikit-learn's networks: what their layers make of it stays in the caches (.57 us a row against .69 to .98 of 16,384)
LAYERS_BATCH = 4096
TREES_BATCH = 65_536  # of its forests: each tree is a call (.89 us a row against 1.0 in 32,768 and 1.2 in 16,384)
NETWORK_BATCH = 8  # on a CPU larger batches are slower: activations outgrow the caches and the allocator
DEVICE_BATCH = 256

LARGE_BLOCK = (1 << 25) - (1 << 16)  # bytes; glibc learns from blocks of less than 32 MiB alone
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # glibc's parameters of mallopt
_kept = False
_share: ContextVar[int] = ContextVar("threads of a worker", default=0)


def rows_a_batch(row_bytes: int, most: int) -> int:
    """Rows of this size that make a batch where nothing else decides it."""
    return min(max(BATCH_BYTES // max(row_bytes, 1), 1), most)


def most_rows(model: object) -> int:
    """Rows a batch at most, by the kind of an estimator of scikit-learn's, or of the last step of a pipeline."""
    steps = getattr(model, "steps", None)
    last = steps[-1][-1] if steps else model
    if hasattr(last, "coefs_"):
        return LAYERS_BATCH
    member = getattr(last, "estimators_", None)
    while isinstance(member, (list, tuple, np.ndarray)) and len(member):  # boosted trees are a table of them
        member = member[0]
    return TREES_BATCH if hasattr(member, "tree_") else LARGEST_BATCH


def keep_memory() -> bool:
    """Tell glibc to keep freed memory instead of giving it back after every layer; True if it was told.

    Process-wide, and it cannot be taken back. Without it a network's activations return to the system and come back as
    page faults, half of the time of a batch of 32 (PyTorch on a CPU).
    """
    global _kept
    if not _kept and sys.platform.startswith("linux"):
        try:
            mallopt = ctypes.CDLL(None).mallopt
        except (OSError, AttributeError):  # another C library
            return False
        _kept = bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1)) and bool(mallopt(_MMAP_MAX, 0))
    return _kept


def settle_heap() -> None:
    """Take and give back one large block, untouched: from then on glibc keeps smaller ones instead of returning them.

    It learns from a freed block how large those are that come and go. Before it has seen one, what a network's layers make
    of a batch of rows goes back to the system each time, and comes again as page faults (a third of the time of a process
    whose first call explains 20 rows with scikit-learn's networks). With other allocators it does nothing.
    """
    np.empty(LARGE_BLOCK, dtype=np.uint8)


@contextmanager
def bounded_threads(most: int) -> Iterator[None]:
    """No more threads of torch's for one operation, where torch is loaded: several workers share the cores."""
    torch, share = sys.modules.get("torch"), _share.set(most)
    before = torch.get_num_threads() if torch is not None else most
    try:
        if torch is not None and before > most:
            torch.set_num_threads(most)
        yield
    finally:
        if torch is not None and before > most:
            torch.set_num_threads(before)
        _share.reset(share)


def thread_share() -> int:
    """Threads that a worker may take for one operation; 0 where nothing bounds them."""
    return _share.get()


def is_out_of_memory(error: BaseException) -> bool:
    """True for numpy's and Python's MemoryError, torch's CPU allocator error and torch.OutOfMemoryError."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    signs = ("DefaultCPUAllocator", "not enough memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in signs)


def memory_left() -> int | None:
    """Bytes that this process may still take, by what Linux tells of the machine and of its container; None elsewhere."""
    found = []
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            found.append(1024 * int(line.split()[1]))
    most, used = (next(iter(_lines(f"/sys/fs/cgroup/memory.{name}")), "") for name in ("max", "current"))
    if most.isdigit() and used.isdigit():
        found.append(max(int(most) - int(used), 0))
    return min(found, default=None)


def check_room(by_law: Mapping[str, FromCoalitions], n_players: int, n_coalitions: int, on_cells: bool) -> None:
    """Refuse a table whose conclusion does not fit in what the machine has left, before its answers are paid for.

    A method tells how many arrays (coalitions, players) of floats its fit holds at once:
    `arrays_held(n_players, n_coalitions, on_cells)`; to draw the coalitions takes half of one.
    Raises ValueError.
    """
    left = memory_left()
    for key, method in by_law.items():
        held = min(n_coalitions, 2**62)  # a number for float64, and more than any machine holds
        needed = 8 * held * n_players * max(method.arrays_held(n_players, held, on_cells), 0.5)
        if left is not None and needed > left:
            what, asked = ("rows", "rows") if on_cells else ("budget", "coalitions")
            raise ValueError(
                f"{what}={as_given(n_coalitions)}: to conclude from so many {asked} of {n_players} players {key} needs about"
                f" {needed / 1e9:,.1f} GB of memory, and {left / 1e9:,.1f} GB are left. Ask for {what}="
                f"{int(held * left / needed)} or fewer, take permutation_shap, which fits nothing, or merge players into "
                "groups."
            )


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def release_cached(device: Where | None) -> None:
    """Give a GPU's cached blocks back before a smaller batch is tried; nothing to do on a CPU."""
    if str(device).startswith("cuda"):  # pragma: no cover - needs a GPU
        import torch

        torch.cuda.empty_cache()


def synchronise(device: Where | None) -> None:
    """Wait until a GPU is done, so that seconds mean model time; a CPU is done when it returns."""
    if str(device).startswith("cuda"):  # pragma: no cover - needs a GPU
        import torch

        torch.cuda.synchronize(device)
