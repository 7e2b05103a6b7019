"""The run directory: named places, stages that are done once, atomic files."""
