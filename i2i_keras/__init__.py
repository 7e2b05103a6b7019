"""Unpaired image translation for semantic segmentation, measured."""

__version__ = "0.1.0"
