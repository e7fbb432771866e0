"""The page of any report, made smaller until it is no burden to open."""

from collections.abc import Callable, Mapping

import numpy as np

from perturbxai.calls.comparison import Comparison
from perturbxai.core.types import Frame
from perturbxai.reporting.curves.view import Found
from perturbxai.reporting.html.ending import Told
from perturbxai.reporting.html.of_effects import curves_page
from perturbxai.reporting.html.of_photos import photo_page
from perturbxai.reporting.html.of_results import table_page
from perturbxai.reporting.html.per_cent import curves_in_per_cent, in_per_cent
from perturbxai.results.explanation import Attribution

LARGEST = 5_000_000  # bytes of a page
MOST = 64  # parts of a page to begin with


def results_page(
    results: Mapping[str, Attribution], compared: Comparison | None, frames: Mapping[str, Frame], told: Told
) -> str:
    """The page of explained rows or photos. frames: the tables of the CSVs."""
    results = in_per_cent(results)
    first = next(iter(results.values()))
    of = table_page if np.ndim(first[0].input) == 1 else photo_page
    return within(lambda limit: of(results, compared, frames, told, limit), len(first))


def effects_page(found: Found, told: Told) -> str:
    """The page of curves and surfaces."""
    shown = curves_in_per_cent(found)
    return within(lambda limit: curves_page(shown, told, limit), len(found))


def within(made: Callable[[int], str], n_parts: int, largest: int = LARGEST) -> str:
    """The page with as many parts of all as it holds in so many bytes: half as many again and again, until it does."""
    limit = min(n_parts, MOST)
    while len((text := made(limit)).encode("utf-8")) > largest and limit > 1:
        limit //= 2
    return text
