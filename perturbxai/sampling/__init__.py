"""Floor 2: what to ask. Laws over sizes, strata, coalitions, orders, reference rows; the one place that draws."""
