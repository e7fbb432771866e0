"""Colours as plotly takes them, the same that matplotlib's figures have."""

import numpy as np

from perturbxai.reporting.style import sequence
from perturbxai.reporting.types import Colormap

STOPS = 33
INK, LINE, FAINT, GAP = "#222222", "#888888", "#E4E4E4", "#EEEEEE"


def rising() -> list[list[object]]:
    """From low to high, dark to light."""
    return _stops(sequence())


def signed() -> list[list[object]]:
    """Blue below zero, red above; the middle is white."""
    import matplotlib

    return _stops(matplotlib.colormaps["RdBu_r"])


def _stops(colours: Colormap) -> list[list[object]]:
    from matplotlib.colors import to_hex

    return [[float(at), to_hex(colours(float(at)))] for at in np.linspace(0.0, 1.0, STOPS)]


def hexed(at: float, colours: Colormap) -> str:
    """The colour at a place in 0..1."""
    from matplotlib.colors import to_hex

    return str(to_hex(colours(at)))


def pale(colour: str, alpha: float) -> str:
    """A colour that what lies below is seen through."""
    from matplotlib.colors import to_rgb

    red, green, blue = (round(255 * part) for part in to_rgb(colour))
    return f"rgba({red},{green},{blue},{alpha:g})"
