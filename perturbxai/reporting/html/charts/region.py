"""The outline of a region of a label map as the path of an SVG."""

import numpy as np

from perturbxai.core.types import Bools, Ints, Labels


def outlines(labels: Labels, scale: int = 1) -> dict[int, str]:
    """Label -> path around its pixels, in units of a pixel times `scale`; holes are drawn the other way round."""
    return {int(label): _outline(labels == label, scale) for label in sorted(set(labels.ravel().tolist()))}


def _outline(inside: Bools, scale: int) -> str:
    """Edges go clockwise with the region on their right; from each corner on to the next, straight ones in one."""
    after = _edges(inside)
    told = []
    while after:
        start = next(iter(after))
        at, way, run, path = start, (0, 0), 0, [f"M{start[0] * scale} {start[1] * scale}"]
        while at in after:
            towards = after[at].pop()
            if not after[at]:
                del after[at]
            step = (towards[0] - at[0], towards[1] - at[1])
            if step != way:
                path += _straight(way, run, scale)
                way, run = step, 0
            run, at = run + 1, towards
        told.append("".join([*path, *_straight(way, run, scale), "z"]))
    return "".join(told)


def _straight(way: tuple[int, int], run: int, scale: int) -> list[str]:
    if not run:
        return []
    return [f"h{way[0] * run * scale}" if way[0] else f"v{way[1] * run * scale}"]


def _edges(inside: Bools) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Corner -> the corners that an edge of the region leads to from there."""
    padded = np.pad(inside, 1)
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def add(where: Ints, start: tuple[int, int], end: tuple[int, int]) -> None:
        for y, x in where.tolist():
            found.setdefault((x + start[0], y + start[1]), []).append((x + end[0], y + end[1]))

    add(np.argwhere(inside & ~padded[:-2, 1:-1]), (0, 0), (1, 0))
    add(np.argwhere(inside & ~padded[1:-1, 2:]), (1, 0), (1, 1))
    add(np.argwhere(inside & ~padded[2:, 1:-1]), (1, 1), (0, 1))
    add(np.argwhere(inside & ~padded[1:-1, :-2]), (0, 1), (0, 0))
    return found
