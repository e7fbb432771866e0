"""What depends on the machine: memory that ran out, the allocator, and a GPU's cache."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from perturbxai.models import device


def _raised(call):
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("it fitted")


OUT_OF_MEMORY = {
    "python": lambda: MemoryError(),
    "numpy": lambda: _raised(lambda: np.empty(1 << 57)),
    "torch on a CPU": lambda: _raised(lambda: torch.empty(1 << 57)),
    "torch.OutOfMemoryError": lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    "older torch": lambda: RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
    "cuBLAS": lambda: RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
}


@pytest.mark.parametrize("source", OUT_OF_MEMORY)
def test_memory_that_ran_out_is_recognised(source):
    assert device.is_out_of_memory(OUT_OF_MEMORY[source]())


@pytest.mark.parametrize(
    "error",
    [RuntimeError("shape '[2, 3]' is invalid"), ValueError("out of memory"), KeyboardInterrupt(), OSError("no space")],
    ids=repr,
)
def test_other_errors_are_not_taken_for_memory_that_ran_out(error):
    assert not device.is_out_of_memory(error)


@pytest.fixture
def allocator(monkeypatch):
    """A C library that notes what mallopt was told, and what it answers."""
    told = SimpleNamespace(calls=[], answer=1)

    def mallopt(parameter, value):
        told.calls.append((parameter, value))
        return told.answer

    monkeypatch.setattr(device, "_kept", False)
    monkeypatch.setattr(device.sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace(mallopt=mallopt))
    return told


def test_the_allocator_is_told_once_for_the_whole_process(allocator):
    assert device.keep_memory() and device.keep_memory()
    assert allocator.calls == [(-1, 2**31 - 1), (-4, 0)]  # M_TRIM_THRESHOLD and M_MMAP_MAX of <malloc.h>


def test_an_allocator_that_refuses_keeps_nothing(allocator):
    allocator.answer = 0
    assert not device.keep_memory()


def test_a_system_other_than_linux_keeps_nothing(allocator, monkeypatch):
    monkeypatch.setattr(device.sys, "platform", "darwin")
    assert not device.keep_memory() and allocator.calls == []


def test_a_c_library_without_mallopt_keeps_nothing(allocator, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace())
    assert not device.keep_memory() and allocator.calls == []


@pytest.mark.parametrize(("place", "expected"), [("cpu", []), (None, []), ("cuda:0", ["release", "wait"])])
def test_only_a_gpu_is_waited_for_and_gives_its_cache_back(place, expected, monkeypatch):
    done = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: done.append("release"))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda _device: done.append("wait"))
    device.release_cached(place)
    device.synchronise(place)
    assert done == expected


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="page faults are counted, of glibc")
def test_arrays_that_come_and_go_are_no_page_faults_once_the_heap_is_settled():
    program = """
import resource
import numpy as np
from perturbxai.models.device import settle_heap
settle_heap()
for n in range(40):
    if n == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    layers = [np.ones(1 << 18) for _ in range(3)]
    del layers
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 38 * 3 * 512 / 10  # a fault a page of 4 KiB without it
