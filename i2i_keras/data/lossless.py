"""Whether an image file holds exactly the pixels that were written."""

from pathlib import Path

from PIL import Image

# Of TIFF, as Pillow calls them.
_LOSSY_TIFF = ("jpeg", "tiff_jpeg", "webp")


def lossy_kind(path: Path, image: Image.Image) -> str:
    """What blurs the pixels of a file, such as "a JPEG"; empty = nothing.

    Args:
        path: of the file.
        image: the same, opened.
    """
    if image.format in ("JPEG", "MPO"):
        return "a JPEG"
    if image.format == "TIFF" and image.info.get("compression") in _LOSSY_TIFF:
        return "a TIFF of JPEG or WebP pixels"
    if image.format == "WEBP" and not _is_lossless_webp(path):
        return "a lossy WebP"
    return ""


def _is_lossless_webp(path: Path) -> bool:
    """Whether its first picture is in a chunk VP8L; a lossy one is in VP8.

    Source: RFC 9649, section 2.
    """
    data = path.read_bytes()
    position = 12  # After RIFF, the size and WEBP.
    while position + 8 <= len(data):
        kind, size = data[position : position + 4], data[position + 4 : position + 8]
        if kind in (b"VP8L", b"VP8 "):
            return kind == b"VP8L"
        if kind == b"ANMF":  # A frame: 16 bytes of its own, then its chunks.
            position += 8 + 16
            continue
        position += 8 + int.from_bytes(size, "little") + int.from_bytes(size, "little") % 2
    return False
