"""Which maps of pictures a page shows: methods, fills and outputs, and what each is called."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from perturbxai.core import catalogue
from perturbxai.reporting.html.choices import Choice, Numbering, part_of
from perturbxai.reporting.html.explained import highest, rank
from perturbxai.reporting.style import fill_of, title
from perturbxai.results.explanation import Attribution

MOST_METHODS = 40
PANELS = 400  # pictures x maps at most


@dataclass(frozen=True)
class Map:
    """A result by name: the number of its method, and of its fill, None where no fill enters it."""

    name: str
    m: int
    f: int | None
    result: Attribution

    def classes(self, o: int | None = None) -> str:
        return part_of(m=self.m, f=self.f, o=o)


@dataclass(frozen=True, eq=False)
class Painted:
    """Results of pictures. limit: pictures at most, None for what fits."""

    results: Mapping[str, Attribution]
    limit: int | None = None

    @cached_property
    def fills(self) -> list[str]:
        """The fills that maps were made under, where there are several."""
        found = list(dict.fromkeys(fill for result in self.results.values() if (fill := fill_of(result))))
        return found if len(found) > 1 else []

    @cached_property
    def titles(self) -> list[str]:
        """Methods without their fills, those to begin with first."""
        order = sorted(self.results, key=lambda name: rank(self.results[name]))
        return list(dict.fromkeys(self._title(name) for name in order))[:MOST_METHODS]

    def _title(self, name: str) -> str:
        result = self.results[name]
        return title(name, result, fill_of(result) if self.fills else "")

    @cached_property
    def maps(self) -> list[Map]:
        found = []
        for name, result in self.results.items():
            fill = fill_of(result)
            if self._title(name) in self.titles:
                found.append(
                    Map(
                        name,
                        self.titles.index(self._title(name)),
                        self.fills.index(fill) if fill in self.fills else None,
                        result,
                    )
                )
        return sorted(found, key=lambda one: (one.m, one.f or 0))

    @property
    def first(self) -> Attribution:
        return self.maps[0].result

    @cached_property
    def outputs(self) -> list[int]:
        """The outputs shown: those that some picture has among its highest."""
        return highest(np.max([e.prediction for e in self.first], axis=0))

    @cached_property
    def inputs(self) -> list[int]:
        """The pictures shown, from the first."""
        most = max(2, PANELS // (len(self.maps) * len(self.outputs)))
        return list(range(min(len(self.first), most, len(self.first) if self.limit is None else self.limit)))

    @property
    def choices(self) -> list[Choice]:
        found = []
        if len(self.titles) > 1:
            by_number = {one.m: catalogue.ABOUT.get(catalogue.key_of(one.result.method), "") for one in self.maps}
            found.append(Choice("m", "Method", self.titles, 0, [by_number[m] for m in range(len(self.titles))]))
        if self.fills:
            found.append(Choice("f", "Hidden regions show", self.fills))
        if len(self.outputs) > 1:
            highest = int(np.argmax([self.first[0].prediction[k] for k in self.outputs]))
            found.append(Choice("o", "Class", [str(self.first.outputs[k]) for k in self.outputs], highest))
        return found

    @property
    def numbering(self) -> Numbering:
        outputs = {str(self.first.outputs[k]): o for o, k in enumerate(self.outputs)}
        return Numbering({one.name: one.m for one in self.maps}, outputs, {fill: f for f, fill in enumerate(self.fills)})
