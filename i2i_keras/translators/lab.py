"""The color space CIE L*a*b* of sRGB, white being D65."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32] | NDArray[np.float64]

# IEC 61966-2-1: linear red, green and blue of sRGB to X, Y and Z.
_XYZ = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])  # D65, seen from 2 degrees.
_FROM_LINEAR = (_XYZ / _WHITE[:, np.newaxis]).T
_TO_LINEAR = np.linalg.inv(_FROM_LINEAR)
# The curve is a line below this value of X, Y or Z as a share of white's.
_LINE = 6 / 29


def rgb_to_lab(rgb: Floats) -> Floats:
    """From sRGB `(..., 3)` in [0, 1] to lightness, a and b.

    Returns:
        Of the same shape and precision; lightness in [0, 100], a and b about
        -100 to 100, and 0 for gray.

    Reference:
        CIE 15:2004, section 8.2.1; IEC 61966-2-1:1999.
    """
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    shares = linear @ _FROM_LINEAR.astype(rgb.dtype)
    curve = np.where(shares > _LINE**3, np.cbrt(shares), shares / (3 * _LINE**2) + 4 / 29)
    x, y, z = np.moveaxis(curve, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def lab_to_rgb(lab: Floats) -> Floats:
    """The way back.

    Returns:
        Of the same shape and precision; outside [0, 1] where sRGB has no such
        color.
    """
    lightness, a, b = np.moveaxis(lab, -1, 0)
    y = (lightness + 16) / 116
    curve = np.stack([y + a / 500, y, y - b / 200], axis=-1)
    shares = np.where(curve > _LINE, curve * curve * curve, 3 * _LINE**2 * (curve - 4 / 29))
    linear = shares @ _TO_LINEAR.astype(lab.dtype)
    # The power of a negative number, which the line takes, would be NaN.
    bent = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, bent)
