"""Hierarchies of the players: unions of players, of unions of them, and so on, up to one that holds everybody.

A tree is a player's number, or a tuple of two or more trees.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from perturbxai.core.types import Ints

MOST_LEVELS = 200  # unions within unions; results hold the tree as nested lists, whose writers and readers have a limit

Tree = int | tuple["Tree", ...]


@dataclass(frozen=True, eq=False)
class Union:
    """A union of a tree's list of them, parents first.

    members   the players of each of its parts;  inner: of each part its place in the list, -1 for a single player
    path      the unions around it, from the top: their places in the list, and which part of each it lies in
    contexts  in how many ways the other parts of those can be there or not
    """

    members: tuple[Ints, ...]
    inner: tuple[int, ...]
    path: tuple[tuple[int, int], ...]
    contexts: int

    @property
    def n_parts(self) -> int:
        return len(self.members)

    @property
    def n_between(self) -> int:
        """How many coalitions hold some of its parts, whole, but not all of them. No other union has any of these."""
        return int(self.contexts * (2**self.n_parts - 2))


def unions(tree: Tree) -> list[Union]:
    """The unions of a tree, parents first.

    >>> [(u.inner, u.path, u.contexts) for u in unions((0, (1, 2)))]
    [((-1, 1), (), 1), ((-1, -1), ((0, 1),), 2)]
    """
    found: list[Union] = []
    waiting: list[tuple[Tree, tuple[tuple[int, int], ...], int]] = [(tree, (), 1)] if isinstance(tree, tuple) else []
    for at, (node, path, contexts) in enumerate(waiting):  # grows on the way
        parts = cast(tuple[Tree, ...], node)
        inner = []
        for place, part in enumerate(parts):
            inner.append(len(waiting) if isinstance(part, tuple) else -1)
            if isinstance(part, tuple):
                waiting.append((part, (*path, (at, place)), contexts * 2 ** (len(parts) - 1)))
        members = tuple(np.array(list(leaves(part)), dtype=np.int64) for part in parts)
        found.append(Union(members, tuple(inner), path, contexts))
    return found


def leaves(tree: Tree) -> Iterator[int]:
    """The players of a tree, from left to right."""
    if isinstance(tree, tuple):
        for part in tree:
            yield from leaves(part)
    else:
        yield tree


def join(parts: Sequence[Tree]) -> Tree:
    """A union of these parts; of one alone, that part."""
    return parts[0] if len(parts) == 1 else tuple(parts)


def keep(tree: Tree, number: dict[int, int]) -> Tree | None:
    """The tree of those players that have a new number, under it; None if nobody has. Unions of one are dissolved."""
    if not isinstance(tree, tuple):
        return number.get(tree)
    parts = [part for part in (keep(inner, number) for inner in tree) if part is not None]
    return join(parts) if parts else None


def name(tree: Tree, names: Sequence[str]) -> list[Any]:
    """The tree as nested lists of names, as `of_names` takes it.

    >>> name((0, (1, 2)), ["a", "b", "c"])
    ['a', ['b', 'c']]
    """
    parts = tree if isinstance(tree, tuple) else (tree,)
    return [name(part, names) if isinstance(part, tuple) else names[part] for part in parts]


def of_names(partition: Sequence[Any], names: Sequence[str]) -> Tree:
    """The tree of a nested list of names; a whole number i stands for "x<i>" or "superpixel <i>".

    Raises ValueError for names that are unknown, missing or come twice, and for empty lists.
    """
    number = {one: p for p, one in enumerate(names)}
    seen: set[int] = set()

    def tree_of(part: object, level: int) -> Tree:
        if isinstance(part, tuple):
            if not part:
                raise ValueError("partition holds an empty list; give each list the names of the players that it joins.")
            if level > MOST_LEVELS:
                raise ValueError(f"partition has more than {MOST_LEVELS} lists within each other; join some of them.")
            return join([tree_of(inner, level + 1) for inner in part])
        spelt = (str(part), f"x{part}", f"superpixel {part}") if isinstance(part, int) else (part,)
        player = next((number[one] for one in spelt if isinstance(one, str) and one in number), None)
        if player is None:
            raise ValueError(f"partition names the unknown player {part!r}; the players are {_some(names)}.")
        if player in seen:
            raise ValueError(f"partition names {names[player]!r} twice; a player belongs to one place.")
        seen.add(player)
        return player

    tree = tree_of(tuple(partition), 1)
    if missing := [one for p, one in enumerate(names) if p not in seen]:
        raise ValueError(
            f"partition lacks {_some(missing)}; every player has a place: add them, alone beside the lists or within one."
        )
    return tree


def of_linkage(rows: Sequence[Sequence[float]], names: Sequence[str]) -> Tree:
    """The binary tree of scipy's linkage: row k joins two of the players and of the earlier rows' unions, as P + k.

    Raises ValueError for a matrix that is of another number of players, or joins something twice or before it is there.
    """
    n_players = len(names)
    if len(rows) != n_players - 1:
        raise ValueError(
            f"partition is a linkage of {len(rows)} rows, of {len(rows) + 1} players, but there are {n_players}: "
            f"{_some(names)}. Cluster these, in this order."
        )
    parts: list[Tree | None] = list(range(n_players))
    levels = [0] * n_players
    for k, (first, second, *_) in enumerate(rows):
        for place in (first, second):
            if not float(place).is_integer() or not 0 <= place < len(parts) or parts[int(place)] is None or first == second:
                raise ValueError(
                    f"partition: row {k} of the linkage joins {first:g} and {second:g}; expected two different numbers "
                    f"below {len(parts)} that no row before has joined. Give what scipy.cluster.hierarchy.linkage returns."
                )
        a, b = int(first), int(second)
        parts.append((cast(Tree, parts[a]), cast(Tree, parts[b])))
        levels.append(1 + max(levels[a], levels[b]))
        parts[a] = parts[b] = None
    if levels[-1] > MOST_LEVELS:
        raise ValueError(
            f"partition is a linkage with {levels[-1]} unions within each other; at most {MOST_LEVELS} are possible. Give "
            'one that is less of a chain (method="average" or "ward"), or a nested list of names.'
        )
    return cast(Tree, parts[-1])


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:8])) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
