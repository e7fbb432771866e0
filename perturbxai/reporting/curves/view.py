"""What a call of plot() on effects asks for: which columns, methods and outputs share which panel, checked first."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbxai.core import checks
from perturbxai.core.outputs import select_outputs
from perturbxai.core.types import Outputs
from perturbxai.core.wording import own_value
from perturbxai.inputs.spaces import Space, TabularSpace
from perturbxai.reporting.curves.axis_places import Ground
from perturbxai.reporting.curves.off_data import Unsupported, unsupported
from perturbxai.reporting.lettering import LONGEST, shortened, texts
from perturbxai.reporting.style import SPARE, styles_of, title, titles
from perturbxai.results.effect import Effect

KINDS = ("overlay", "separate")
PANELS = 6  # outputs side by side
WARNED = 0.1  # from this share of questions without data on, a panel says so
CONDITIONS = 60  # letters of a region's name
MOST_GROUPS = 8  # lines that can be told apart

Found = dict[tuple[str, ...], dict[str, Effect]]


@dataclass(frozen=True, eq=False)
class Line:
    """One curve of a panel, or its rows' curves, or both.

    centred  whether the curve's mean over the data is taken away here, because what lies beside it has none
    among    whether it is one of several groups, whose bands would hide each other
    """

    label: str
    effect: Effect
    colour: str
    mean: bool = True
    rows: bool = False
    centred: bool = False
    among: bool = False

    @property
    def asks_anywhere(self) -> bool:
        """Whether the curve comes from rows that the data need not have."""
        return not self.effect.declared.accumulates

    @property
    def has_band(self) -> bool:
        """A band is about the curve as it was computed, and not about one that was centred afterwards."""
        return self.mean and not self.centred


@dataclass(frozen=True, eq=False)
class Panel:
    """One column or pair, for one output.

    row  the label of the row whose own curve is drawn strong;  said: where made-up rows are unlike the data, or None
    has_ale  whether the figure has the accumulated curve of the column too
    """

    names: tuple[str, ...]
    k: int
    lines: tuple[Line, ...]
    title: str
    ground: tuple[Ground, ...]
    row: Hashable = None
    said: Unsupported | None = None
    has_ale: bool = False

    @property
    def effects(self) -> list[Effect]:
        return [line.effect for line in self.lines]

    @property
    def scale(self) -> str:
        """What the values are: "raw", "centred", "anchored" or "derivative"."""
        return "centred" if any(line.centred for line in self.lines) else self.lines[0].effect.declared.curves


def as_effects(result: object) -> Found | None:
    """Column or pair -> name of the method -> Effect, or None for what holds no effects.

    result  an Effect, a sequence of some, a mapping to them as effects(...)["pdp"], or all that effects() returned; a
            mapping from names (of models, say) to any of these, which keep their names
    """
    if isinstance(result, Effect):
        result = [result]
    if not isinstance(result, (Mapping, list, tuple)):
        return None
    inner = list(_named(result, ""))
    if not inner or not all(isinstance(effect, Effect) for _, effect in inner):
        return None
    found: Found = {}
    for key, effect in inner:
        label = key or str(effect.meta.get("name") or type(effect.method).__name__.lower())
        methods = found.setdefault(effect.names, {})
        methods[label if label not in methods else f"{label}({len(methods)})"] = effect
    return found


def _named(result: object, name: str) -> Iterator[tuple[str, Any]]:
    """(name, Effect) of each; keys that are the columns themselves are no names."""
    if not isinstance(result, (Mapping, list, tuple)):
        yield name, result
    elif not isinstance(result, Mapping):
        for one in result:
            yield from _named(one, name)
    else:
        by_column = all(isinstance(one, Effect) and key in (one.names, *one.names[: len(one.names) == 1])
                        for key, one in result.items())  # fmt: skip
        for key, one in result.items():
            yield from _named(one, name if by_column else f"{name}, {key}" if name else str(key))


def check(found: Found, kind: str | None) -> tuple[str, ...]:
    """The outputs that all share. Raises ValueError for an unknown kind, and for effects of different models."""
    checks.one_of("kind", kind, (*KINDS, None), way=" for effects")
    effects = [effect for methods in found.values() for effect in methods.values()]
    first = effects[0]
    for effect in effects:
        if effect.outputs != first.outputs:
            raise ValueError(f"{effect!r} and {first!r} differ in outputs; draw effects of one model, or one call a model.")
    return first.outputs


def outputs_of(known: tuple[str, ...], output: Outputs | None) -> list[int]:
    """Numbers of the outputs that get a panel: the first six where none is named."""
    return list(range(min(len(known), PANELS))) if output is None else [int(k) for k in select_outputs(output, known)]


def leading(found: Found, outputs: Sequence[int], top: int) -> tuple[Found, int]:
    """The columns and pairs that are shown, in the order they came, and how many less important ones are not."""
    if len(found) <= top:
        return found, 0
    size = {
        names: float(np.mean([effect.importance[list(outputs)].max() for effect in methods.values()]))
        for names, methods in found.items()
    }
    kept = sorted(size, key=lambda names: -size[names])[:top]
    return {names: methods for names, methods in found.items() if names in kept}, len(found) - top


def panels(
    found: Found, kind: str | None, outputs: Sequence[int], row: Hashable, space: TabularSpace | None
) -> list[list[Panel]]:
    """Panels by column or pair: its methods, over each other or apart, and outputs in turn."""
    every = list(dict.fromkeys(sum(found, ())))
    called = dict(zip(every, shortened(every), strict=True))
    lines = []
    for names, methods in found.items():
        said = said_of(names, methods.values(), space)
        has_ale = any(effect.declared.accumulates for effect in methods.values())
        of_names = []
        for together in _together(methods, kind, len(names)):
            drawn = _lines(together)
            heard = said if any(line.asks_anywhere for line in drawn) else None
            ground = _ground([called[name] for name in names], drawn)
            for k in outputs:
                of_names.append(Panel(names, k, drawn, _title(together, methods, outputs, k), ground, row, heard, has_ale))
        lines.append(of_names)
    if row is not None:
        _check_row(row, [panel for line in lines for panel in line])
    return lines


def _together(methods: Mapping[str, Effect], kind: str | None, n_axes: int) -> Iterator[dict[str, Effect]]:
    """Which methods share a panel. Surfaces do not, slopes and values do not, and groups take a panel a method."""
    if kind == "separate" or n_axes == 2 or any(effect.groups for effect in methods.values()):
        twice = n_axes == 2 and any(effect.declared.averages for effect in methods.values())
        for name, effect in methods.items():
            if not (twice and effect.declared.keeps_rows):  # whose mean surface is that of PDP
                yield {name: effect}
        return
    slopes = {name: effect for name, effect in methods.items() if effect.declared.curves == "derivative"}
    values = {name: effect for name, effect in methods.items() if name not in slopes}
    yield from (one for one in (values, *({name: effect} for name, effect in slopes.items())) if one)


def _lines(methods: Mapping[str, Effect]) -> tuple[Line, ...]:
    """Rows' curves below, means above them; an ICE mean only where no PDP shows the same."""
    only = next(iter(methods.values()))
    if len(methods) == 1 and only.groups and len(only.names) == 1:
        groups = list(only.groups.items())[:MOST_GROUPS]
        palette = (*SPARE, "#7A7A7A")
        longest = LONGEST if only.regions is None else CONDITIONS
        called = texts((own_value(group) for group, _ in groups), longest)
        own = [Line(name, e, colour, among=True) for name, (_, e), colour in zip(called, groups, palette, strict=False)]
        return (Line("all rows", only, "#222222", among=True), *own)
    scales = {effect.declared.curves for effect in methods.values()}
    styles, shown = styles_of(methods), titles(methods)
    has_pdp = any(effect.declared.averages for effect in methods.values())
    lines = []
    for name, effect in methods.items():
        ice = effect.declared.keeps_rows > 0
        centred = len(scales) > 1 and effect.declared.curves != "centred"
        lines.append(Line(shown[name], effect, styles[name]["color"], not (ice and has_pdp), ice, centred))
    return tuple(sorted(lines, key=lambda line: not line.rows))


def _title(together: Mapping[str, Effect], methods: Mapping[str, Effect], outputs: Sequence[int], k: int) -> str:
    first = next(iter(together.values()))
    apart = len(together) < len(methods) or len(first.names) == 2
    parts = shortened(title(*one) for one in together.items()) if apart else []
    if len(first.names) == 2 and first.declared.accumulates:
        parts.append("beyond each alone")
    parts += [shortened(first.outputs)[k]] if len(outputs) > 1 else []
    if len(first.names) == 1 and len(first.groups) > MOST_GROUPS:
        parts.append(f"{MOST_GROUPS} of {len(first.groups)} groups")
    return ", ".join(parts)


def _ground(names: Sequence[str], lines: Sequence[Line]) -> tuple[Ground, ...]:
    # an accumulated curve has an order of its own for levels without one, which the others take over
    effects = sorted((line.effect for line in lines), key=lambda effect: effect.declared.accumulates)
    return tuple(Ground.of(name, [effect.grid[d] for effect in effects]) for d, name in enumerate(names))


def said_of(names: tuple[str, ...], effects: Iterable[Effect], space: TabularSpace | None) -> Unsupported | None:
    """Where the questions of PDP and ICE about a column leave the data, if it is known and enough to speak of."""
    asked = [one for one in effects if not one.declared.accumulates and one.declared.curves != "derivative"]
    if space is None or len(names) == 2 or not asked:
        return None
    found = unsupported(space, names[0], asked[0].grid[0])
    return found if found.share >= WARNED else None


def check_space(found: Found, space: Space | None) -> TabularSpace | None:
    """The space, if it has the columns. Raises TypeError for what is no space of a table."""
    if space is None:
        return None
    if not isinstance(space, TabularSpace):
        raise TypeError(f"space is {type(space).__name__}; expected the TabularSpace that the effects are of.")
    for name in dict.fromkeys(sum(found, ())):
        if name not in space.columns.names:
            raise ValueError(f"space has no column {name!r}, which an effect is of; give the space of the call.")
    return space


def _check_row(row: Hashable, drawn: Sequence[Panel]) -> None:
    kept = [label for panel in drawn for e in panel.effects for label in e.individual_rows or ()]
    if row in kept:
        return
    if not kept:
        raise ValueError(f"row={row!r} is drawn among the rows' curves, and there are none; ask effects for 'ice' too.")
    some = ", ".join(repr(label) for label in kept[:6])
    raise ValueError(f"row={row!r} is not among the rows whose curves were kept: {some}, ...; see `effect.individual_rows`.")
