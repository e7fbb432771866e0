"""How each method is asked for so many coalitions: ours here, the others in interpreters that have them."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from convergence_games import Game, asked
from convergence_peers import Counted

import perturbxai as px
from perturbxai.core.types import Floats

SERVER = Path(__file__).with_name("convergence_peers.py")
SLOW = ("shapiq ShaplEIG",)  # a quarter of a minute for 50 coalitions of 10 players, minutes for 150 of 30
OURS = "kernel_shap, adaptive"


@dataclass(frozen=True)
class Answer:
    """error     squared distance to the truth over the truth's square;  rows: distinct coalitions the model saw
    seconds   processor time, the game's own left out;  version: of the package
    covered   share of the truth within 95 % intervals, where the method has any;  together: 1 if all are in the
              simultaneous ones, else 0
    failure   why there is no error
    """

    error: float | None = None
    rows: int | None = None
    seconds: float | None = None
    version: str = ""
    covered: float | None = None
    together: float | None = None
    failure: str = ""


@dataclass(frozen=True)
class Own:
    """A method of ours, what is true of a game for it, None where that is not known, and how coalitions come to be asked."""

    method: Any
    truth: Callable[[Game], Floats | None]
    design: str = "drawn"

    def ask(self, game: Game, budget: int, seed: int) -> Answer:
        truth = self.truth(game)
        counted = Counted(game.value, game.n_players)
        began = time.thread_time()
        try:
            found = asked(replace(game, value=counted), self.method, budget, seed, self.design)[0]
        except ValueError as error:  # of an adaptive design beyond so many coalitions
            return Answer(failure=str(error), version=px.__version__)
        seconds = round(time.thread_time() - began - counted.waited, 4)
        within = [_within(found.interval(simultaneous=together), truth) for together in (False, True)]
        return Answer(
            relative(found.values[:, 0], truth), counted.asked, seconds, px.__version__,
            float(within[0].mean()), float(within[1].all()),
        )  # fmt: skip


def relative(values: Any, truth: Any) -> float:
    return float(((np.asarray(values) - truth) ** 2).sum() / (truth**2).sum())


def _within(ends: tuple[Floats, Floats], truth: Any) -> Any:
    rounding = 1e-9 * np.abs(truth).max()  # where all was listed the interval is a point
    return (ends[0][:, 0] <= truth + rounding) & (truth <= ends[1][:, 0] + rounding)


def _shapley(game: Game) -> Floats:
    return game.shapley


OWN = {
    OURS: Own(px.KernelShap(surrogate="all"), _shapley, "adaptive"),
    "kernel_shap": Own(px.KernelShap(surrogate="all"), _shapley),
    "kernel_shap, no surrogate": Own(px.KernelShap(surrogate="none"), _shapley),
    "lime": Own(px.Lime(surrogate="process"), lambda game: game.lime if game.table else None),
    "banzhaf": Own(px.Banzhaf(surrogate="process"), lambda game: game.banzhaf if game.table else None),
}


class Peer:
    """One interpreter that runs the others, until it is closed. Orders and answers are lines of JSON, tables lie in files.

    offered: method -> the version of its package;  missing: method -> what there is not
    """

    def __init__(self, interpreter: str) -> None:
        one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
        try:
            self.process = subprocess.Popen(
                [interpreter, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env={**os.environ, **one_thread},
            )  # fmt: skip
            offered = self._read()["offered"]
        except (OSError, RuntimeError) as error:
            raise SystemExit(f"{interpreter} does not run {SERVER.name}: {error}") from error
        self.offered = {name: found["version"] for name, found in offered.items() if "version" in found}
        self.missing = {name: found["missing"] for name, found in offered.items() if "missing" in found}

    def ask(self, method: str, game: Game, budget: int, seed: int) -> Answer:
        table = str(game.table.resolve()) if game.table else None
        order = {"method": method, "players": game.n_players, "budget": budget, "seed": seed, "table": table}
        self._write(order)
        while "asks" in (found := self._read()):
            bits = np.frombuffer(bytes.fromhex(found["asks"]), np.uint8).reshape(found["coalitions"], -1)
            z = np.unpackbits(bits, axis=1, count=game.n_players).astype(bool)
            self._write({"values": game.value(z).tolist()})
        if "failed" in found:
            return Answer(failure=found["failed"], version=self.offered[method])
        return Answer(relative(found["values"], game.shapley), found["asked"], found["seconds"], self.offered[method])

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def _write(self, what: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def _read(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"it ended, with exit code {self.process.wait()}; what it said stands above")
        return json.loads(line)


class Methods:
    """Ours and, each from the first interpreter that has it, the others."""

    def __init__(self, interpreters: Sequence[str]) -> None:
        self.peers = [Peer(one) for one in interpreters]
        self.of_peers = {name: peer for peer in reversed(self.peers) for name in peer.offered}

    @property
    def missing(self) -> dict[str, str]:
        """Method -> why no interpreter runs it."""
        return {name: why for peer in self.peers for name, why in peer.missing.items() if name not in self.of_peers}

    @property
    def names(self) -> list[str]:
        return [*OWN, *self.of_peers]

    def suits(self, name: str, game: Game) -> bool:
        """Whether the truth of that method is known of that game."""
        return name not in OWN or OWN[name].truth(game) is not None

    def ask(self, name: str, game: Game, budget: int, seed: int) -> Answer:
        if name in OWN:
            return OWN[name].ask(game, budget, seed)
        return self.of_peers[name].ask(name, game, budget, seed)

    def close(self) -> None:
        for peer in self.peers:
            peer.close()
