"""Records, labels and batches."""
