"""Floor 2: what a row and a picture are: columns, codecs, segments, fills, background, spaces."""
