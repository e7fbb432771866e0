"""Figures of examples: prototypes and criticisms, or an input among its neighbours, as a table in colours or as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbxai.core import checks
from perturbxai.core.types import Floats, Picture
from perturbxai.core.wording import count, own_value
from perturbxai.reporting.lettering import text, texts
from perturbxai.reporting.photo import draw_photo
from perturbxai.reporting.style import new_figure, rc, scale, sequence
from perturbxai.reporting.types import Axes, Drawing
from perturbxai.reporting.values import features
from perturbxai.reporting.values.panels import done, panels
from perturbxai.results.amounts import rounded
from perturbxai.results.context import Context
from perturbxai.results.prototypes import Prototypes

KINDS = ("examples", "worth", "witness")
MOST = 14  # examples across
ACROSS = 6  # pictures
DIFFERS = 0.32  # the shade of what is not as the input has it
LETTERS = 17  # of a cell
PLAIN = "#EDEDED"  # of a cell that no shade is known of
DIM = (1.0, 64.0)  # pictures whose largest values lie between these are in units of their own


@dataclass(frozen=True, eq=False)
class Examples:
    """What is drawn: an example a column, in groups.

    heads  above each;  groups: what they are, and how many of each
    names  of the lines, cells (lines, columns) what stands there, shade (lines, columns) from 0 to 1, NaN for none; of a
    table
    pictures  of each column instead
    ranked    whether shades are places among the data
    """

    heads: Sequence[str]
    groups: Sequence[tuple[str, int]]
    about: str
    names: Sequence[str] = ()
    cells: Sequence[Sequence[str]] = ()
    shade: Floats | None = None
    pictures: Sequence[Picture] | None = None
    ranked: bool = False


def of_prototypes(found: Prototypes, kind: str | None, top: int, ax: Axes | None) -> tuple[str, Any]:
    """(name of the figure, what it shows). Raises ValueError for another kind, and for several pictures on one panel."""
    if (kind := "examples" if kind is None else checks.one_of("kind", kind, KINDS)) != "examples":
        return kind, found
    n = min(len(found.numbers), MOST)
    odd = min(len(found.criticism_numbers), max(MOST - n, 0))
    which = [*range(n), *(len(found.numbers) + i for i in range(odd))]
    heads = [f"{own_value(one)}\n{_share(part)}" for one, part in zip(found.labels[:n], found.share, strict=False)]
    heads += [
        f"{own_value(one)}\ndata {'thicker' if w > 0 else 'thinner'}"
        for one, w in zip(found.criticism_labels[:odd], found.witness, strict=False)
    ]
    left = len(found.numbers) + len(found.criticism_numbers) - len(which)
    more = f"; {count(left, 'example')} more" * (left > 0)
    worth = found.as_drawn[-1]
    as_good = "as the data themselves" if not np.isfinite(worth) else f"worth {rounded(float(worth), 2)} drawn at random"
    about = f"{count(len(found), 'prototype')} of {count(found.n_data, found.what)}, {as_good}"
    about += f"; below each: the share of the data nearest to it{more}"
    groups = [(f"prototype{'s' * (n != 1)}", n), (f"criticism{'s' * (odd != 1)}", odd)]
    if found.pictures is not None:
        _check_pictures(ax)
        return "examples", Examples(heads, groups, about, pictures=[found.pictures[i] for i in which])
    assert found.table is not None and found.ranks is not None  # or they are pictures
    shown, rest = _columns(found.ranks[which], top)
    cells = [[own_value(found.table.iloc[i, d], 4) for i in which] for d in shown]
    about += features.more(len(rest))
    return "examples", Examples(
        heads, groups, about, texts([found.table.columns[d] for d in shown]), cells, found.ranks[which][:, shown].T,
        ranked=True
    )  # fmt: skip


def _share(part: float) -> str:
    return f"{100 * part:.0f} %"


def _columns(ranks: Floats, top: int) -> tuple[list[int], list[int]]:
    """Those in which the examples differ most, in the order of the table; levels without an order count as half."""
    spread = np.where(np.isnan(ranks).any(axis=0), 0.25, ranks.std(axis=0))
    order = np.argsort(-spread, kind="stable")
    return sorted(order[:top].tolist()), order[top:].tolist()


def of_context(found: Context, row: object, top: int, ax: Axes | None) -> tuple[str, Any]:
    """An input beside its neighbours. Raises ValueError for a row that is not there."""
    i = checks.whole("row", 0 if row is None else row, 0, most=len(found) - 1, of="an input", way=f" to {len(found) - 1}")
    sides = (found.alike, found.otherwise)
    groups = [(found.what, 1), ("most like it", len(sides[0].labels[i])), ("decided otherwise", len(sides[1].labels[i]))]
    heads = [f"{own_value(found.labels[i])}\n{text(found.decisions[i], LETTERS)}"]
    for side in sides:
        pairs = zip(side.labels[i], side.decisions[i], strict=True)
        heads += [f"{own_value(label)}\n{text(decided, LETTERS)}" for label, decided in pairs]
    about = (
        f"{found.what} {text(own_value(found.labels[i]))} and its nearest of {count(found.meta['looked_at'], found.what)}"
    )
    if found.has is None:
        _check_pictures(ax)
        near = [one for side in sides if side.pictures is not None for one in side.pictures[i]]
        return "examples", Examples(heads, groups, about, pictures=[found.inputs[i], *near])
    columns = [found.has[i], *(side.has[i, j] for side in sides if side.has is not None for j in range(len(side.labels[i])))]
    told = np.array([[own_value(one) for one in column] for column in columns], dtype=object).T
    differs = told != told[:, :1]
    order = np.argsort(-differs.sum(axis=1), kind="stable")
    shown = sorted(order[:top].tolist())
    shade = np.where(differs, DIFFERS, np.nan).astype(np.float64)[shown]
    about += f"; in colour: what it has not{features.more(len(order) - len(shown))}"
    return "examples", Examples(heads, groups, about, texts([found.names[p] for p in shown]), told[shown].tolist(), shade)


def _check_pictures(ax: Axes | None) -> None:
    if ax is not None:
        raise ValueError("ax is one panel, and examples that are pictures need one each; leave ax= out.")


@rc
def examples(shown: Examples, ax: Axes | None) -> Drawing:
    """A table whose cells are coloured by where their values lie among the data, or pictures side by side."""
    if shown.pictures is not None:
        return _pictures(shown)
    n_lines, n_columns = len(shown.names), len(shown.heads)
    assert shown.shade is not None  # of a table
    figure, (axis,) = panels(1, 0.3 * n_lines + 1.5, ax, max(1.15 * n_columns + 0.8, 3.6))
    colours = sequence().with_extremes(bad=PLAIN)
    axis.imshow(
        np.ma.masked_invalid(shown.shade), cmap=colours, vmin=0.0, vmax=1.0, aspect="auto", alpha=0.55, interpolation="none"
    )  # fmt: skip
    for line, cells in enumerate(shown.cells):
        for column, cell in enumerate(cells):
            axis.text(column, line, text(cell, LETTERS), ha="center", va="center", fontsize=7.5)
    axis.set_yticks(range(n_lines), shown.names)
    axis.set_xticks(range(n_columns), [_head(one) for one in shown.heads])
    axis.tick_params(length=0, labeltop=True, labelbottom=False)
    axis.spines[:].set_visible(False)
    at = 0
    for name, n in shown.groups:
        if n:
            axis.text(at + (n - 1) / 2, -0.5 - 1.35, name, ha="center", va="bottom", fontsize=9, fontweight="bold")
            if at:
                axis.axvline(at - 0.5, color="white", linewidth=5)
        at += n
    if shown.ranked and ax is None:
        scale([axis], colours, 0, 1, "place among the data", ("low", "high"))
    return done(figure, ax, shown.about)


def _head(head: str) -> str:
    return "\n".join(text(line, LETTERS) for line in head.split("\n"))


def _pictures(shown: Examples) -> Drawing:
    assert shown.pictures is not None
    lines: list[tuple[str, list[int]]] = []
    at = 0
    for name, n in shown.groups:
        for low in range(at, at + n, ACROSS):
            lines.append((name if low == at else "", list(range(low, min(low + ACROSS, at + n)))))
        at += n
    across = max(len(own) for _, own in lines)
    figure = new_figure(1.5 * across + 0.4, 1.9 * len(lines) + 0.5 + 0.25 * len(shown.groups))
    largest = max(float(np.max(one)) for one in shown.pictures)
    unit = largest if DIM[0] < largest < DIM[1] else 1.0
    axes = figure.subplots(len(lines), across, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for row, (name, own) in zip(axes, lines, strict=True):
        for axis, i in zip(row, own, strict=False):
            draw_photo(axis, np.asarray(shown.pictures[i]) / unit)
            axis.set_title(f"{chr(10) * bool(name)}{_head(shown.heads[i])}")
        if name:
            row[0].set_title(f"{name}\n\n", loc="left", fontweight="bold")
    return done(figure, None, shown.about)


@rc
def worth(found: Prototypes, ax: Axes | None) -> Drawing:
    """How discrepant the first 1, 2, ... prototypes are, and as many rows that are drawn at random, on average."""
    figure, (axis,) = panels(1, 3.2, ax)
    steps = np.arange(1, len(found) + 1)
    axis.plot(steps, found.of_a_draw / steps, color="#8C8C8C", linestyle="--", label="drawn at random, on average")
    axis.plot(steps, found.discrepancy, "o-", color="#0072B2", markersize=4, label="prototypes")
    axis.set_yscale("log" if found.discrepancy.min() > 1e-12 else "linear")
    axis.set_xlabel("how many")
    axis.set_ylabel("squared discrepancy from the data")
    axis.spines[["top", "right"]].set_visible(False)
    axis.locator_params(axis="x", integer=True)
    axis.legend(frameon=False)
    return done(figure, ax, f"{count(len(found), 'prototype')} of {count(found.n_data, found.what)} by {found.method}")


@rc
def witness(found: Prototypes, ax: Axes | None) -> Drawing:
    """The witness function at all that was looked at, from where the data are thinnest to where they are thickest."""
    figure, (axis,) = panels(1, 3.2, ax)
    order = np.argsort(found.witnesses, kind="stable")
    at = (np.arange(len(order)) + 0.5) / len(order)
    axis.axhline(0.0, color="#CCCCCC", linewidth=0.8)
    axis.plot(at, found.witnesses[order], color="#0072B2")
    place = {int(number): n for n, number in enumerate(found.number[order])}
    for label, number, height in zip(found.criticism_labels, found.criticism_numbers, found.witness, strict=True):
        x = at[place[int(number)]]
        axis.plot(x, height, "o", color="#D55E00", markersize=5)
        side = "right" if x > 0.5 else "left"
        axis.annotate(text(own_value(label), LETTERS), (x, height), (-6 if side == "right" else 6, 4), ha=side,
                      textcoords="offset points", fontsize=8)  # fmt: skip
    axis.set_xlabel(f"{found.what}s that were looked at, as a share, by their witness")
    axis.set_ylabel("witness: data less prototypes")
    axis.spines[["top", "right"]].set_visible(False)
    return done(figure, ax, f"above 0 the data are thicker than the {count(len(found), 'prototype')} say; dots: criticisms")
