"""Promises about devices, each claimed twice: of a CPU that builds its rows as a GPU does, and of a GPU if there is one."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
def device(request):
    """A device by name. A GPU computes in float32 here, whose shorter TF32 is an answer's precision and not the suite's."""
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield request.param
