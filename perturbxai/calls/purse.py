"""Seconds that fits to answers may take, beside those of the model."""

from perturbxai.game.game import Game
from perturbxai.inputs.spaces import TabularSpace

# of the model's seconds that fits to its answers may take; with all else a call is to take less than a tenth more than them
SHARE = 0.08
SLOW = 0.005  # seconds a row, from which that is all
# what they may take where rows are faster: a coalition is as many rows of the model as there are in the background
PICTURE, TABLE_OF_ROWS, A_BACKGROUND_ROW = 0.5, 0.25, 0.005


def affordable(game: Game, n_rows: int) -> float:
    """For fits to a table of so many model rows: a share of the model's own seconds, or what nobody waits for."""
    pace, short = game.predictor.pace, PICTURE
    if isinstance(game.space, TabularSpace):
        short = min(A_BACKGROUND_ROW * len(game.space.background), TABLE_OF_ROWS)
    return SHARE * pace * n_rows if pace >= SLOW else max(short, SHARE * pace * n_rows)


def affordable_of(game: Game, n_coalitions: int) -> float:
    """The same for so many coalitions, each of them on every background row."""
    per_coalition = len(game.space.background) if isinstance(game.space, TabularSpace) else 1
    return affordable(game, n_coalitions * per_coalition)
