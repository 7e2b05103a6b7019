"""From arrays to figures, for the report and the notebooks."""
