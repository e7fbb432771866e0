"""What a block of a gallery example drew: px.plot gives figures that pyplot, which sphinx-gallery asks, does not know of."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

from executed import figures_of
from sphinx_gallery.scrapers import figure_rst

_shown: weakref.WeakSet[Any] = weakref.WeakSet()  # the value of a last line stays with the example until another has one


def drawn(_block: object, variables: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Write the figures of a block, each once; the lines that show them."""
    import matplotlib.pyplot as plt

    figures = [one for one in figures_of(variables["example_globals"].get("___")) if one not in _shown]
    paths = []
    for figure in figures:
        paths.append(next(variables["image_path_iterator"]))
        figure.savefig(paths[-1], dpi=110, bbox_inches="tight")
        _shown.add(figure)
    plt.close("all")
    return str(figure_rst(paths, settings["src_dir"]))


def _get_sg_image_scraper() -> Callable[..., str]:
    """By this name sphinx-gallery finds it."""
    return drawn
