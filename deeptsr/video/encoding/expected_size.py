"""How large an output will be, about: before the start it decides whether the disk can hold it."""

from __future__ import annotations

import os

from deeptsr.config import EncodeSettings
from deeptsr.video.destination import destination_of
from deeptsr.video.encoding.choose import plan_encoding
from deeptsr.video.encoding.codecs import CODECS, PLAIN, best_format
from deeptsr.video.info import VideoInfo
from deeptsr.video.picture.planes import bits, has_alpha

__all__ = ["bits_a_pixel"]

_GIF = 7.0  # of its parts as well, which are FFV1
_DOUBLES = 0.15  # of the scale of constant quality: so much less doubles the size


def bits_a_pixel(
    output: str | os.PathLike[str],
    settings: EncodeSettings,
    *,
    source: VideoInfo | None = None,
    alpha: bool = False,
) -> tuple[float, float]:
    """Bits that a pixel of a frame takes, in the output and in the parts that it is joined from.

    From rendered clips and test patterns: what is easily predicted takes a tenth, noise many times
    as much.

    Args:
        output: see :func:`deeptsr.video.destination.destination_of`.
        settings: codec, constant quality, pixel format.
        source: whose depth the output has.
        alpha: whether the frames have an alpha channel.
    """
    target = destination_of(output)
    if target.kind == "gif":
        return _GIF, _GIF
    plan = plan_encoding(target, settings, source=source, alpha=alpha)
    if plan is None:  # images are written once
        depth = source.depth if source is not None else 8
        return _of("png", best_format("png", depth, alpha), None), 0.0
    expected = _of(plan.codec, plan.pix_fmt, settings.crf)
    return expected, expected


def _of(codec: str, pix_fmt: str, crf: float | None) -> float:
    known = CODECS.get(codec, PLAIN)
    expected = known.bits * bits(pix_fmt) / 8 * (4 / 3 if has_alpha(pix_fmt) else 1)
    if crf is None or known.crf is None:
        return expected
    return float(expected * 2 ** ((known.crf - crf) / (_DOUBLES * known.highest_crf)))
