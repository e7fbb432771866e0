"""What the reader chooses by radio buttons, and the style rules that show what was chosen: no script is needed for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Choice:
    """Radio buttons of which one is on.

    key      a letter: what belongs to option n has the classes key and key + n
    legend   what is chosen;  options: their names;  notes: what else is said of each, or nothing
    """

    key: str
    legend: str
    options: Sequence[str]
    first: int = 0
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not self.options:
            raise ValueError(f"Choice {self.legend!r} has no option; leave it out of the page.")

    def rules(self, scripted: bool) -> str:
        """CSS that hides what belongs to the other options, and lights up curves of the one that is on.

        scripted  for pages whose script keeps an attribute of the body; else by :has(), slow on large pages (40 s
                  for 92,000 elements as a window became narrow); browsers that do not know it show everything
        """
        found = []
        for n in range(len(self.options)):
            chosen = f'body[data-{self.key}="{n}"]' if scripted else f"body:has(#{self.key}{n}:checked)"
            found.append(f"{chosen} .{self.key}:not(.{self.key}{n},.lit){{display:none}}")
            found.append(f"{chosen} svg path.lit.{self.key}{n}{{opacity:1;stroke-width:3.6px}}")
        return "\n".join(found)


def part_of(**numbers: int | Sequence[int] | None) -> str:
    """The classes of what is shown for option n of a choice: part_of(m=0, o=2) is "m m0 o o2".

    Several numbers: it is shown for each of these; None: it belongs to no option, and is always shown.
    """
    found = []
    for key, which in numbers.items():
        if which is not None:
            found += [key, *(f"{key}{n}" for n in ([which] if isinstance(which, int) else which))]
    return " ".join(found)


@dataclass(frozen=True)
class Numbering:
    """Numbers of what can be chosen on a page: of methods by the results' names, of outputs, and of fills."""

    methods: Mapping[str, int] = field(default_factory=dict)
    outputs: Mapping[str, int] = field(default_factory=dict)
    fills: Mapping[str, int] = field(default_factory=dict)
