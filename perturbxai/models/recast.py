"""A plan built as the network is: in half precision, or with channels last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbxai.models.image_plan import ImagePlan
from perturbxai.models.plan import Given, Plan, TablePlan, as_bytes
from perturbxai.models.torch_types import Tensor, Where


@dataclass(frozen=True, eq=False)
class Recast:
    """Another plan's rows of pictures as whole numbers 0..255, or with their channels first in memory; see `recast`."""

    plan: Plan
    dtype: str
    layout: str
    whole: bool = False  # whether fractions are refused, not rounded

    def __len__(self) -> int:
        return len(self.plan)

    @property
    def row_bytes(self) -> int:
        return self.plan.row_bytes

    def host(self, start: int, stop: int) -> Any:
        rows = self.plan.host(start, stop)
        if self.dtype == "uint8":
            rows = as_bytes(rows, "a picture", whole=self.whole)
        if self.layout == "CHW":
            rows = np.ascontiguousarray(np.moveaxis(rows, 3, 1)).transpose(0, 2, 3, 1)
        return rows

    def device(self, start: int, stop: int, device: Where) -> Tensor:
        import torch

        return torch.as_tensor(self.host(start, stop), device=device)


def recast(plan: Plan, dtype: str, layout: str) -> Plan:
    """A plan of pictures as a model takes them. dtype: "float32" or "uint8";  layout: "HWC" or "CHW", in memory.

    Tables come back as they are. Raises ValueError where numbers that are no bytes would have to be.
    """
    table = isinstance(plan, TablePlan) or (isinstance(plan, Given) and np.ndim(plan.rows) != 4)
    if table or (dtype, layout) == ("float32", "HWC"):
        return plan
    return (
        plan.recast(dtype, layout)
        if isinstance(plan, ImagePlan)
        else Recast(plan, dtype, layout, whole=isinstance(plan, Given))
    )
