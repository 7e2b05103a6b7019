"""An experiment: settings, arms, stages, and the way through them."""
