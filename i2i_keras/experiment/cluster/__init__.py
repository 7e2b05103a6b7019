"""The tasks of a plan as tasks of Ray, on one machine or on many."""
