"""What paired differences of scores say: one concept a file. The unit is the input; all of an input is one cluster."""
