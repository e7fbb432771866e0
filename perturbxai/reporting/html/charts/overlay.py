"""A photo with maps laid over it, the outlines of its regions, and their numbers."""

from collections.abc import Mapping, Sequence

from perturbxai.core.types import Labels
from perturbxai.reporting.html.charts.pixels import step_of
from perturbxai.reporting.html.charts.region import outlines
from perturbxai.reporting.html.markup import Html, element, join
from perturbxai.reporting.photo import deepest

MOST_NUMBERED = 40
HALO = 0.22  # of a number's size: the dark around it


def pictures(shape: tuple[int, ...], held: Mapping[str, str]) -> Html:
    """Definitions of pictures (H, W, ...) by their name, to be used as often as needed: key -> address of its data."""
    height, width = shape[:2]
    made = [
        element("image", id=key, href=data, width=width, height=height, preserveAspectRatio="none")
        for key, data in held.items()
    ]
    return element("svg", element("defs", *made), width=0, height=0, aria_hidden="true", class_="defs")


def stack(
    shape: tuple[int, ...], photo: str, maps: Sequence[tuple[str, str]], alt: str, labels: Labels | None = None
) -> Html:
    """The photo below, each map over it with the classes that it is shown by, and outlines above.

    maps  (key, classes) in turn;  labels (H, W) or None
    """
    height, width = shape[:2]
    laid = [element("use", href=f"#{key}", class_=f"veil {classes}".strip()) for key, classes in maps]
    parts: list[Html | None] = [element("use", href=f"#{photo}", class_="below" if maps else None), *laid]
    if labels is not None:
        parts += [_edges(labels), _numbers(labels)]
    return element("svg", *parts, class_="stack", viewBox=f"0 0 {width} {height}", role="img", aria_label=alt)


def _edges(labels: Labels) -> Html:
    step = step_of(labels.shape)
    found = outlines(labels[::step, ::step], step)
    return join(element("path", d=path, class_="edge", data_player=label) for label, path in found.items())


def _numbers(labels: Labels) -> Html | None:
    known = sorted(set(labels.ravel().tolist()))
    if len(known) > MOST_NUMBERED:
        return None
    size = max(labels.shape) / 22.0
    made = []
    for label in known:
        row, column = deepest(labels == label)
        place = {"x": column + 0.5, "y": row + 0.5}  # the middle of the pixel
        made.append(
            element("text", label, **place, font_size=f"{size:.2f}", stroke_width=f"{HALO * size:.2f}", class_="numbered")
        )
    return element("g", *made, aria_hidden="true")
