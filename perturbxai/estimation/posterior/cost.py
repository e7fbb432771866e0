"""What fits of processes cost, in seconds, as measured on one thread, and which of them a table is worth."""

from perturbxai.estimation.posterior.evidence import searched

OWN, SHARED, COMMON = "own", "shared", "common"  # rates of each output's players; of all outputs'; one rate for all players
LEVELS = (OWN, SHARED, COMMON)
SEARCHES = {OWN: 215, SHARED: 215, COMMON: 50}  # likelihoods that a search looks at


def seconds(level: str, n_rows: int, n_players: int, n_outputs: int, n_groups: int) -> float:
    """Of the processes of a table: n_groups outputs that are not each other's opposites have rates of their own at "own"."""
    n = min(searched(n_rows), 0.8 * n_rows)
    look = 2e-4 + (5e-8 + 2e-10 * n_players) * n**2 + 5e-11 * n**3
    given = 2e-10 * n_rows**3 + 1e-9 * n_rows**2 * (n_players + n_outputs) + 5e-8 * n_rows * n_players**2
    return (n_groups if level == OWN else 1) * (SEARCHES[level] * look + given)


def worthwhile(affordable: float, n_rows: int, n_players: int, n_outputs: int, n_groups: int) -> str | None:
    """The best of `LEVELS` that takes no longer than that many seconds; None if none does."""
    return next((level for level in LEVELS if seconds(level, n_rows, n_players, n_outputs, n_groups) <= affordable), None)


def of_pairs(n_rows: int, n_players: int, n_processes: int) -> float:
    """Of reading what pairs of players do together off processes."""
    return n_processes * (1e-3 * n_players + 5e-9 * n_rows * n_players**3 + 6e-11 * n_rows**2 * n_players**2)


def of_list(n_rows: int, n_listed: int, n_processes: int) -> float:
    """Of reading sums over a list of coalitions off processes."""
    return n_processes * 8e-8 * n_listed * (n_listed + n_rows)
