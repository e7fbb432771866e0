"""Error of Shapley values against model rows: ours, shap, shapiq and LightSHAP, at equal numbers of coalitions.

    python experiments/convergence.py configs/convergence.toml [--scale small] [--out FOLDER] [--again kernel_shap]

The newest of the others need Python 3.12. They run in an interpreter of their own, without torch and without us:

    python3.12 -m venv peers && peers/bin/pip install shap "shapiq==1.8.*" lightshap lightgbm xgboost-cpu
    PERTURBXAI_PEERS=peers/bin/python python experiments/convergence.py configs/convergence.toml

PERTURBXAI_PEERS may name several interpreters, as PATH names folders: each method is taken from the first that has it (one
with "shapiq[shapleig]", which brings torch, adds ShaplEIG). Without it the others run in this interpreter, as far as it has
them; what there is not is said, and left out.

Games: three tables of scikit-learn under boosted trees, a forest and a network, photos under EfficientNet-Lite0, and games
by a formula. All values of games of up to 16 players are listed in tables/ of the results, player j being bit j of a
coalition's number; the truth is read from them, from a formula, or from trees that are walked. A model row is one
coalition, all background rows together. Nothing and everything count, and what is asked twice counts once. The error is the
squared distance to the truth over the truth's square. "lime" and "banzhaf" stand beside the Shapley values, each measured
against its own truth. All of ours try every surrogate, whatever time that takes, as they would beside a model that takes
longer. Each measurement is a line of errors.csv, and is not made again, unless --again names its method.
"""

from __future__ import annotations

import csv
import os
import queue
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import astuple
from pathlib import Path
from typing import Annotated

import convergence_process
from convergence_figure import figure
from convergence_games import NAMES, Game, cases
from convergence_methods import OURS, OWN, SLOW, Methods
from convergence_peers import METHODS as PEERS
from convergence_ranking import summarise
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationInfo, field_validator
from settings import chosen, parser_of, validated
from threadpoolctl import threadpool_limits

from perturbxai.reporting import style

KEY = ("game", "case", "players", "method", "asked", "seed")
FIELDS = (*KEY, "error", "rows", "seconds", "version", "covered", "together", "failure")
INTERPRETERS = "PERTURBXAI_PEERS"
NEARLY_ALL, LISTED_NEARLY = 0.8, 12  # of all coalitions, where there are few players
Whole = Annotated[StrictInt, Field(ge=1)]


class Scale(BaseModel):
    """How much is measured.

    games       which;  cases: rows of each table;  methods: which beside the adaptive kernel_shap, all if none is named
    per_player  coalitions a player;  nearly_all: whether four of five coalitions are asked as well, up to 12 players
    seeds       how many;  slow_per_player, slow_seeds: the same for what takes minutes a game
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    games: tuple[str, ...] = NAMES
    cases: Whole = 3
    methods: tuple[str, ...] = ()
    per_player: tuple[Annotated[StrictInt, Field(ge=3)], ...] = (5, 10, 20, 40, 80)
    nearly_all: bool = True
    seeds: Whole = 10
    slow_per_player: tuple[Annotated[StrictInt, Field(ge=3)], ...] = ()
    slow_seeds: Whole = 1

    @field_validator("games", "methods")
    @classmethod
    def _known(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known = NAMES if info.field_name == "games" else (*OWN, *PEERS)
        if unknown := [name for name in names if name not in known]:
            raise ValueError(f"{'; '.join(unknown)} is not among {'; '.join(known)}")
        return names

    def plan(self, method: str, n_players: int) -> list[tuple[int, int]]:
        """Coalitions and seeds that a method is asked on a game of that size."""
        slow = method in SLOW
        budgets = {k * n_players for k in (self.slow_per_player if slow else self.per_player)}
        if self.nearly_all and n_players <= LISTED_NEARLY and not slow:
            budgets.add(int(NEARLY_ALL * 2**n_players))
        seeds = range(self.slow_seeds if slow else self.seeds)
        return [(budget, seed) for budget in sorted(budgets) if budget < 2**n_players for seed in seeds]


class Config(BaseModel):
    """Where results go, which scale is meant, how many games are measured at once, and the scales by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    results: str
    scale: str
    workers: Whole = 2
    scales: dict[str, Scale]


def read(path: Path, scale: str | None) -> tuple[Config, Scale]:
    """A config and the scale chosen in it or by name. Raises SystemExit with a sentence for each thing that is wrong."""
    config = validated(path, Config)
    return config, chosen(path, config.scales, scale or config.scale)


class Lines:
    """errors.csv: what is measured already, and what comes. again: methods whose lines are dropped first."""

    def __init__(self, path: Path, again: list[str]) -> None:
        self.path, self.lock = path, threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(",".join(FIELDS) + "\n")
        with path.open(newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != FIELDS:
                raise SystemExit(f"{path} has other columns than {', '.join(FIELDS)}. Move it away.")
            lines = list(reader)
        kept = [line for line in lines if line["method"] not in again]
        if len(kept) < len(lines):
            self._write(kept)
        self.done = {tuple(line[name] for name in KEY) for line in kept}

    def _write(self, lines: list[dict[str, str]]) -> None:
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            writer.writerows(lines)

    def measure(self, methods: Methods, name: str, game: Game, asked: int, seed: int) -> None:
        """Run a method once and add its line, unless it is there."""
        head = (game.name, game.case, game.n_players, name, asked, seed)
        if tuple(map(str, head)) in self.done:
            return
        answer = methods.ask(name, game, asked, seed)
        with self.lock, self.path.open("a", newline="") as file:
            csv.writer(file).writerow((*head, *astuple(answer)))


def measure(scale: Scale, methods: Methods, lines: Lines, make: Callable[[], Game]) -> None:
    """All methods on one game."""
    game = make()
    for name in methods.names:
        if (not scale.methods or name in (OURS, *scale.methods)) and methods.suits(name, game):
            for asked, seed in scale.plan(name, game.n_players):
                lines.measure(methods, name, game, asked, seed)
    print(game.name, game.case, flush=True)


def at_once(scale: Scale, crews: list[Methods], lines: Lines, folder: Path) -> None:
    """Each game by the next crew that is free: peers are processes, so that two games go on at the same time."""
    free: queue.SimpleQueue[Methods] = queue.SimpleQueue()
    for crew in crews:
        free.put(crew)

    def one(make: Callable[[], Game]) -> None:
        crew = free.get()
        try:
            measure(scale, crew, lines, make)
        finally:
            free.put(crew)

    with warnings.catch_warnings(), threadpool_limits(1), ThreadPoolExecutor(len(crews)) as pool:
        warnings.simplefilter("ignore")  # ours tell of few coalitions, which is what is measured
        waiting = [pool.submit(one, make) for name in scale.games for make in cases(name, scale.cases, folder)]
        try:
            for future in as_completed(waiting):
                future.result()
        finally:  # an interpreter that ended ends the run
            for future in waiting:
                future.cancel()


def crews_of(n_crews: int) -> list[Methods]:
    """Ours and the others, as many times as games are measured at once; what is left out is said."""
    named = os.environ.get(INTERPRETERS, "")
    if not named:
        print(f"{INTERPRETERS} names no interpreter for shap, shapiq and LightSHAP: they are asked as they are here.")
    crews = [Methods(named.split(os.pathsep) if named else [sys.executable]) for _ in range(n_crews)]
    for name, why in crews[0].missing.items():
        print(f"without {name}: {why}")
    return crews


def main(arguments: list[str] | None = None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--again", action="append", default=[])
    given = parser.parse_args(arguments)
    config, scale = read(given.config, given.scale)
    folder = given.out or Path(config.results)
    lines = Lines(folder / "errors.csv", given.again)
    crews = crews_of(config.workers)
    try:
        at_once(scale, crews, lines, folder)
    finally:
        for crew in crews:
            crew.close()
    frame = summarise(lines.path, folder)
    style.save(figure(frame), folder / "convergence.png")
    if "photos" in scale.games:
        style.save(convergence_process.figure(cases("photos", 1, folder)[0]()), folder / "process.png")


if __name__ == "__main__":
    main()
