"""From values of coalitions to values of players and pairs."""
