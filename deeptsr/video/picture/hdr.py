"""High dynamic range: what a file says of the display it was made on."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import av

from deeptsr.video.picture.planes import side_data

__all__ = ["Mastering", "dynamic_notes", "mark_notes", "mastering_of"]

_DISPLAY = struct.Struct("=20i2i")  # FFmpeg's record: ten fractions and two flags
_CHROMA = 50_000  # units of a chromaticity that H.264 and H.265 count in
_LUMINANCE = 10_000  # units a candela per square metre


@dataclass(frozen=True)
class Mastering:
    """The display a film was graded on, and how bright it gets (SMPTE ST 2086, CTA-861.3).

    Attributes:
        colors: x, y of red, green, blue and white; empty when not told.
        luminance: of black and of white, candelas per square metre; empty when not told.
        light: the brightest pixel, and the highest mean of a frame; empty when not told.
    """

    colors: tuple[float, ...] = ()
    luminance: tuple[float, ...] = ()
    light: tuple[int, ...] = ()

    def options(self, encoder: str) -> dict[str, str]:
        """Return the options by which an encoder writes it; empty when it cannot."""
        known = {
            "libx264": ("x264-params", "mastering-display", "cll", _CHROMA, _LUMINANCE),
            "libx265": ("x265-params", "master-display", "max-cll", _CHROMA, _LUMINANCE),
            "libsvtav1": ("svtav1-params", "mastering-display", "content-light", 1, 1),
        }
        if encoder not in known:
            return {}
        option, display, light, chroma, luminance = known[encoder]
        parts = []
        if self.colors and self.luminance:
            red, green, blue, white = (
                _pair(self.colors[i : i + 2], chroma) for i in range(0, 8, 2)
            )
            levels = _pair(self.luminance[::-1], luminance)
            parts.append(f"{display}=G{green}B{blue}R{red}WP{white}L{levels}")
        if self.light:
            parts.append(f"{light}={self.light[0]},{self.light[1]}")
        return {option: ":".join(parts)} if parts else {}


def _pair(numbers: Sequence[float], unit: int) -> str:
    one, other = (f"{number:.5f}" if unit == 1 else str(round(number * unit)) for number in numbers)
    return f"({one},{other})"


def mastering_of(frame: av.VideoFrame) -> Mastering | None:
    """Read what a decoded frame carries; None when it carries nothing."""
    display, light = (
        side_data(frame, name) for name in ("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL")
    )
    colors: tuple[float, ...] = ()
    luminance: tuple[float, ...] = ()
    if display is not None:
        *numbers, has_colors, has_luminance = _DISPLAY.unpack_from(display)
        values = [n / d if d else 0.0 for n, d in zip(numbers[::2], numbers[1::2], strict=True)]
        colors = tuple(values[:8]) if has_colors else ()
        luminance = tuple(values[8:]) if has_luminance else ()
    levels = struct.unpack_from("=2I", light) if light is not None else ()
    return Mastering(colors, luminance, levels) if colors or luminance or levels else None


def dynamic_notes(frame: av.VideoFrame) -> list[str]:
    """Name the metadata that changes from scene to scene, which no encoder here writes."""
    names = {
        "DOVI_METADATA": "Dolby Vision",
        "DYNAMIC_HDR_PLUS": "HDR10+",
        "DYNAMIC_HDR_VIVID": "HDR Vivid",
    }
    kinds = [name for key, name in names.items() if side_data(frame, key) is not None]
    return [
        f"the {name} metadata is left out: players show the picture without it" for name in kinds
    ]


def mark_notes(frame: av.VideoFrame) -> list[str]:
    """Name what else is carried within the pictures, which no encoder here writes."""
    names = {
        "A53_CC": "closed captions in the picture are",
        "SPHERICAL": "mark of a 360 degree view is",
    }
    return [
        f"the {name} left out: no encoder here writes that; only the input keeps it"
        for key, name in names.items()
        if side_data(frame, key) is not None
    ]
