"""A page on this machine, on which the networks of a run are tried."""
