"""How good a segmenter is, and how sure of it we can be."""
