"""The prior of a game: which coalitions are alike before any is asked.

With players as signs x_j = 1 (present) and -1 (absent) a game is a sum over sets S of w_S prod_{j in S} x_j. The w_S are
independent, of variance prod_{j in S} lambda_j: orders die off by the relevances lambda_j of their players. The covariance
of two coalitions is then proportional to prod_j (1 + lambda_j x_j y_j), or exp(sum_j b_j x_j y_j), b_j = artanh(lambda_j).

Real games differ from that in five ways, each of which has a number that is found with the rates. They have more of the
high orders: a share is rough, with rates three times as high. Sets of an odd and of an even number of players may have
unlike variances: a coalition is like its complement to some degree, or like its opposite. A share of the game knows how
many players are there and not who. Each value varies on its own. And all of it may be larger, or smaller, where few are
there, or where nearly all are.
"""

from typing import NamedTuple

import numpy as np

from perturbxai.core.compiled import game_kernels
from perturbxai.core.types import Bools, BySize, Floats, Ints, Presence

ROUGH = 3  # times the rates
KNOWN = 2  # answers that come first, at nothing and at everything, and are known without error
JITTER = 1e-10  # of their variances


class Prior(NamedTuple):
    """Covariances of a game, up to a factor.

    rate (P,) the b_j;  rough the share of the game of sets that has the higher rates;  counted the share that counts players
    nugget  what values vary on their own beside all that
    even    how like its complement a coalition is: 1 as like as itself, -1 its opposite
    tilt (2,)  how the logarithm of the game's size grows with the share of players that are there, and towards both ends
    """

    rate: Floats
    rough: float
    counted: float
    nugget: float
    even: float
    tilt: Floats

    @property
    def parts(self) -> tuple[tuple[float, Floats], ...]:
        """Shares and rates of the game of sets."""
        return (1.0 - self.rough, self.rate), (self.rough, ROUGH * self.rate)

    @property
    def scale(self) -> BySize:
        """(P + 1,): how large the game is, by size. Covariances are of games over it."""
        n_players = len(self.rate)
        return np.asarray(np.exp(self.tilt @ tilts(2.0 * np.arange(n_players + 1) / n_players - 1.0)))

    @property
    def mix(self) -> Floats:
        """(3,): as `game_kernels.fill_covariances` takes them."""
        return np.array([self.even, self.rough, self.counted])

    def of_answers(self, x: Floats, size: Ints) -> Floats:
        """(n, n), of which the lower triangle is filled in: the covariances of answers at coalitions in signs x (n, P), of
        these sizes (n,), nothing and everything first."""
        found = np.empty((len(x), len(x)))
        game_kernels.fill_covariances((x * self.rate) @ x.T, float(self.rate.sum()), self.mix, size, found)
        step = len(x) + 1
        found.flat[KNOWN * step :: step] += self.nugget
        found.flat[: KNOWN * step : step] += JITTER
        return found

    def between(self, x: Floats, y: Floats) -> Floats:
        """(n, m): the covariances of coalitions x (n, P) with others, y (m, P), without what each varies on its own."""
        size, other = sizes(x)[:, None], sizes(y)
        return self._covariances((x * self.rate) @ y.T, size == other, size + other == len(self.rate))

    def of_pairs(self, x: Floats) -> tuple[Floats, Floats]:
        """(n,) each: the variance of coalitions x (n, P), and their covariance with their complements."""
        half, total = 2 * sizes(x) == len(self.rate), np.full(len(x), self.rate.sum())
        return self._covariances(total, True, half) + self.nugget, self._covariances(-total, half, True)

    def _covariances(self, angle: Floats, same: Bools | bool, opposite: Bools | bool) -> Floats:
        """As `game_kernels.fill_covariances` has them, of two coalitions of the same size, of opposite sizes, or neither."""
        total = self.rate.sum()
        high, low = np.exp(angle - total), np.exp(-angle - total)
        smooth, rough = high + self.even * low, high**3 + self.even * low**3
        of_sets = (1.0 - self.rough) * smooth + self.rough * rough
        return np.asarray((1.0 - self.counted) * of_sets + self.counted * (same + self.even * opposite))


def signs(z: Presence) -> Floats:
    """(n, P): 1 where a player is in a coalition (n, P), else -1."""
    return np.where(z, 1.0, -1.0)


def sizes(x: Floats) -> Ints:
    """(n,): of coalitions in signs (n, P)."""
    return np.asarray((x.sum(axis=1) + x.shape[1]) / 2, dtype=np.int64)


def tilts(centred: Floats) -> Floats:
    """(2, n) of the players that are there (n,), from -1 for none to 1 for all."""
    return np.stack([centred, centred**2])
