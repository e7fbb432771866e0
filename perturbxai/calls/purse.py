"""Seconds that fits to answers may take, beside those of the model."""

from perturbxai.game.game import Game
from perturbxai.inputs.spaces import TabularSpace

# of the model's seconds that fits to its answers may take; with all else a call is to take less than a tenth more than them
SHARE = 0.08
SLOW = 0.005  # seconds a picture, from which that is all
# what they may take where pictures are faster; of tables more rows tell more for the time
PICTURE = 0.5


def affordable(game: Game, n_rows: int) -> float:
    """For fits to a table of so many model rows: a share of the model's own seconds, or what nobody waits for."""
    pace = game.predictor.pace
    share = SHARE * pace * n_rows
    return share if pace >= SLOW or isinstance(game.space, TabularSpace) else max(PICTURE, share)


def affordable_of(game: Game, n_coalitions: int) -> float:
    """The same for so many coalitions, each of them on every background row."""
    per_coalition = len(game.space.background) if isinstance(game.space, TabularSpace) else 1
    return affordable(game, n_coalitions * per_coalition)
