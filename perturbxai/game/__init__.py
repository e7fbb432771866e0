"""Floor 3: values of coalitions, each asked once."""
