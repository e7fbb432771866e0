"""What a table of coalitions knows of its game: a Gaussian process, of which every coalition method is a functional."""
