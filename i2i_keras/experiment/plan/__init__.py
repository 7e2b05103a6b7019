"""What an experiment will do, in which order, and how long it will take."""
