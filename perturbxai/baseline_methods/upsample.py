"""A coarse map on the picture's grid."""

from __future__ import annotations

import numpy as np

from perturbxai.core.types import Floats


def enlarge(cells: Floats, shape: tuple[int, int], *, conserve: bool) -> Floats:
    """(K, H, W) from (K, h, w): bilinear between the centres of the cells, each pixel with its share of the cell's value.

    The total of the cells is kept where H and W are multiples of h and w. At other sizes the corners weigh a little more
    or less; conserve=True spreads what is missing evenly over the pixels, so that the totals agree to rounding.
    """
    import torch

    height, width = shape
    coarse = torch.as_tensor(cells)[None]
    fine = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=False)
    share = cells.shape[1] * cells.shape[2] / (height * width)
    heat = np.asarray(fine[0].numpy(), dtype=np.float64) * share
    if conserve:
        heat += (cells.sum(axis=(1, 2)) - heat.sum(axis=(1, 2)))[:, None, None] / (height * width)
    return np.asarray(heat)
