"""What the training of translators and of segmenters has in common."""
