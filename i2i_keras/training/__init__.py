"""What the training of translators and of segmenters has in common."""

# Rows of a history; with fewer, some of what may go wrong is not looked for.
ROWS_TO_JUDGE = 6
