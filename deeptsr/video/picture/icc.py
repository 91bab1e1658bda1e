"""The ICC profiles of images: what of them can be said with tags."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

from deeptsr.video.picture.color import ColorTags

__all__ = ["tags_and_note"]

_DISPLAY_P3 = ColorTags(primaries="smpte432", transfer="iec61966-2-1")
# XYZ of red, green and blue in Display P3, adapted to D50 as profiles have it.
_P3_XYZ = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
_XYZ_ERROR = 0.003  # profiles are rounded, and adapted to D50 in more ways than one
_LEVELS_ERROR = 3  # of 255: less is not seen
_GREYS = tuple((level,) * 3 for level in (16, 64, 128, 192, 240))
_COLORS = (*_GREYS, (192, 64, 64), (64, 192, 64), (64, 64, 192), (224, 192, 160))


def tags_and_note(profile: bytes, *, alike: bool) -> tuple[ColorTags, list[str]]:
    """Return the tags that say what a profile does, and a note where none do.

    Args:
        profile: of the first image, b"" where it has none.
        alike: whether all images have the same.

    Returns:
        The tags of Display P3, or none: for sRGB, which is how untagged colours are shown, and
        for a profile that is left out, which the note names.
    """
    if not alike:
        return ColorTags(), [
            "the images have different colour profiles (ICC), which are left out: their colours "
            "may change; expected one for all; convert them to sRGB to keep their look"
        ]
    if not profile:
        return ColorTags(), []
    name = ""
    try:
        read = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = (read.profile.profile_description or "").strip()
        if _is_srgb(read):
            return ColorTags(), []
        if _is_display_p3(read):
            return _DISPLAY_P3, []
    except (OSError, ValueError, TypeError, ImportError, ImageCms.PyCMSError):
        pass  # damaged, or of colours that are not those of a screen
    return ColorTags(), [
        f"the colour profile (ICC) of the images is left out: {name or 'one that names nothing'}; "
        "their colours may change; convert them to sRGB or Display P3 to keep their look"
    ]


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    if profile.profile.xcolor_space.strip() == "GRAY":
        shown = _shown(profile, "L", _GREYS)
        return _near(shown, _GREYS)
    return _near(_shown(profile, "RGB", _COLORS), _COLORS)


def _is_display_p3(profile: ImageCms.ImageCmsProfile) -> bool:
    core = profile.profile
    colorants = (core.red_colorant, core.green_colorant, core.blue_colorant)
    known = [color[0] for color in colorants if color is not None]
    if not core.is_matrix_shaper or len(known) < len(colorants):
        return False
    primaries = np.array(known)
    near = np.abs(primaries - np.array(_P3_XYZ)).max() <= _XYZ_ERROR
    # Greys stay greys whatever the primaries are: what changes them is the transfer.
    return bool(near) and _near(_shown(profile, "RGB", _GREYS), _GREYS)


def _shown(
    profile: ImageCms.ImageCmsProfile, mode: str, colors: tuple[tuple[int, ...], ...]
) -> list[tuple[int, ...]]:
    """Return colours of a profile as sRGB."""
    screen = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    change = ImageCms.buildTransform(profile, screen, mode, "RGB")
    numbers = np.array(colors, np.uint8)[None]
    image = Image.fromarray(numbers[..., 0] if mode == "L" else numbers)
    changed = ImageCms.applyTransform(image, change)
    return [] if changed is None else [tuple(color) for color in np.asarray(changed)[0]]


def _near(one: list[tuple[int, ...]], other: tuple[tuple[int, ...], ...]) -> bool:
    found, wanted = np.array(one, np.int16), np.array(other, np.int16)
    return found.shape == wanted.shape and int(np.abs(found - wanted).max()) <= _LEVELS_ERROR
