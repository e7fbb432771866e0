"""Tables of any size into files, and runs that go on where they were stopped."""
