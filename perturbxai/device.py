"""What depends on the machine: the allocator, memory that ran out, where a network lives. Each has a plain CPU meaning."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

BATCH_BYTES = 1 << 26
# larger ones gain trees 12 % at most, and cost a small network of scikit-learn three times its time
LARGEST_BATCH = 16_384

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # glibc's parameters of mallopt
_kept = False


def rows_a_batch(row_bytes: int) -> int:
    """Rows of this size that make a batch where nothing else decides it."""
    return min(max(BATCH_BYTES // max(row_bytes, 1), 1), LARGEST_BATCH)


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


def is_out_of_memory(error: BaseException) -> bool:
    """True for numpy's and Python's MemoryError, torch's CPU allocator error and torch.OutOfMemoryError."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error)
    signs = ("DefaultCPUAllocator", "not enough memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, RuntimeError) and any(sign in text for sign in signs)


def release_cached(device: Any) -> None:
    """Give a GPU's cached blocks back before a smaller batch is tried; nothing to do on a CPU."""
    if str(device).startswith("cuda"):  # pragma: no cover - needs a GPU
        import torch

        torch.cuda.empty_cache()


def synchronise(device: Any) -> None:
    """Wait until a GPU is done, so that seconds mean model time; a CPU is done when it returns."""
    if str(device).startswith("cuda"):  # pragma: no cover - needs a GPU
        import torch

        torch.cuda.synchronize(device)
