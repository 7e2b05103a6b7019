"""Labelled street scenes in two styles, in the layouts of the true data sets.

Stands in for Cityscapes and GTA5 where those cannot be had: "camera" pictures
are muted, hazy, noisy and a little blurred, "game" pictures are saturated,
flat and sharp. Every picture is drawn of a street of its own; none is
made from a picture of the other style.
"""

from i2i_keras.datasets.streets.files import StreetsConfig, write_cityscapes, write_gta5
from i2i_keras.datasets.streets.palettes import STYLES
from i2i_keras.datasets.streets.scene import draw_street

__all__ = ["STYLES", "StreetsConfig", "draw_street", "write_cityscapes", "write_gta5"]
