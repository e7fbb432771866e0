"""What two columns do together as a coloured map, centred at zero, veiled where there are no rows."""

from collections.abc import Sequence

import numpy as np

from perturbxai.core.types import Bools, Floats, Ints
from perturbxai.reporting.html.charts.frame import framed
from perturbxai.reporting.html.charts.pixels import empty_data, map_data
from perturbxai.reporting.html.markup import Html, element, join
from perturbxai.reporting.html.scale import WIDE, Scale

RASTER = 96  # cells of the picture along an axis, evenly


def surface(
    values: Floats, edges: Sequence[Floats], names: Sequence[Sequence[str]], titles: Sequence[object], alt: str,
    empty: Bools | None = None, empty_edges: Sequence[Floats] = (), largest: float | None = None,
) -> Html:  # fmt: skip
    """The map of (G1, G2) values, the first column across.

    edges   of the cells along both axes, rising;  names: of levels along each axis, empty where it has numbers
    titles  of the columns;  empty: cells without rows, between `empty_edges`
    largest the size that has the full colour; None for that of nearly the largest
    """
    scales = [
        Scale(-0.5, len(called) - 0.5, len(called)) if called else Scale.over(ends)
        for ends, called in zip(edges, names, strict=True)
    ]
    shown = values[np.ix_(*(_raster(one) for one in edges))].T[::-1]
    pictures = [_picture(scales, edges, map_data(shown, largest))]
    if empty is not None and empty.any():
        veiled = empty[np.ix_(*(_raster(one) for one in empty_edges))].T[::-1]
        pictures.append(_picture(scales, empty_edges, empty_data(veiled)))
    return framed(
        scales[0],
        scales[1],
        join(pictures),
        x_title=titles[0],
        y_title=titles[1],
        alt=alt,
        x_names=names[0],
        y_names=names[1] or scales[1].column_names,
    )


def _raster(edges: Floats) -> Ints:
    """(RASTER,): the cell that each of evenly laid places lies in."""
    at = edges[0] + (np.arange(RASTER) + 0.5) / RASTER * (edges[-1] - edges[0])
    return np.asarray(np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(edges) - 2))


def _picture(scales: Sequence[Scale], edges: Sequence[Floats], data: str) -> Html:
    (left, right), (low, high) = (
        [scale.place(float(ends[0])), scale.place(float(ends[-1]))] for scale, ends in zip(scales, edges, strict=True)
    )
    return element(
        "image", href=data, x=f"{left:g}", y=f"{WIDE - high:g}", width=f"{right - left:g}", height=f"{high - low:g}",
        preserveAspectRatio="none", class_="surface",
    )  # fmt: skip
