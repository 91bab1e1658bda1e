"""Which codec, pixel format and tags an output gets, tried out before any costly work."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

import av

from deeptsr.config import EncodeSettings
from deeptsr.errors import OptionError
from deeptsr.imaging.timeline import Timeline
from deeptsr.system.humanize import describe_rate
from deeptsr.video.destination import CONTAINERS, Container, Destination, destination_of
from deeptsr.video.encoding.codecs import (
    ANY_COLORS,
    CODECS,
    PLAIN,
    Codec,
    best_format,
    chroma,
    full_chroma,
    halves_chroma,
    pixel_formats,
    richer,
)
from deeptsr.video.encoding.faults import sound_options
from deeptsr.video.encoding.plan import EncodePlan
from deeptsr.video.encoding.trial import not_for_hdr, try_out
from deeptsr.video.info import VideoInfo
from deeptsr.video.picture.color import ColorTags, convention, is_hdr
from deeptsr.video.picture.hdr import Mastering
from deeptsr.video.picture.planes import bits, has_alpha, holds

__all__ = ["needs_even", "plan_encoding"]

_GIF_RATE = Fraction(50)  # frames a second: viewers slow a delay below 2 hundredths down to 10
_MILLISECOND_RATE = Fraction(500)  # where a clock of 1 ms still tells two frames apart
_GIF_CODECS = (None, "gif")
_USUAL = (256, 256)  # pixels, where the size is not known: hardware refuses much smaller ones


def plan_encoding(
    target: Destination,
    settings: EncodeSettings,
    *,
    size: tuple[int, int] | None = None,
    timeline: Timeline | None = None,
    source: VideoInfo | None = None,
    alpha: bool = False,
) -> EncodePlan | None:
    """Choose what the settings leave open, and try it out on an encoder.

    Args:
        target: from :func:`deeptsr.video.destination.destination_of`.
        settings: codec, constant quality, pixel format.
        size: width and height of the output in pixels, when they are known.
        timeline: of the output, when it is known.
        source: whose depth and colours the output is to have, when it is known.
        alpha: whether the frames have an alpha channel.

    Returns:
        The plan of a video file; None for a GIF or a folder, which have no choices.

    Raises:
        OptionError: for what the encoder or the container cannot do.
    """
    if target.container is None or target.kind == "gif":
        _check_fixed(target, settings, timeline, source)
        return None
    container = target.container
    if timeline is not None:
        _check_times(target.path.name, container, timeline)
    depth = source.depth if source is not None else 8
    name = settings.codec or _suited(container, settings.pix_fmt, depth, alpha)
    known = CODECS.get(name, PLAIN)
    pix_fmt, notes = _pix_fmt(name, known, settings.pix_fmt, size, depth, alpha)
    if settings.pix_fmt is None:
        notes = [*_depth_notes(container, name, pix_fmt, depth, alpha), *notes]
    if alpha and not (has_alpha(pix_fmt) and (container.alpha or name == "png")):
        raise OptionError(
            f"the input is transparent, and {name} in {container.format} with {pix_fmt} is not; "
            "write .mov, .webm or a folder of PNGs, which keep that, or lay it over a colour: "
            "`background` black"
        )
    options = dict(known.options) | _quality(name, known, settings.crf)
    _add(options, sound_options(name, size))
    if container.format == "avi" and name in ("libx264", "libx265"):
        options["bf"] = "0"  # AVI has no presentation timestamps: no frame may be reordered
    if container.edit_list and not (timeline is None or timeline.is_constant):
        # MP4 holds how long frames are shown in the order of coding: readers add that up.
        options["bf"] = "0"
    if has_alpha(pix_fmt) and name in ("libvpx", "libvpx-vp9"):
        options["auto-alt-ref"] = "0"  # it refuses the two together
    colors = known.colors
    untagged = container.format == "avi" and not known.tagged and colors == ANY_COLORS
    if untagged and size is not None:
        colors = ColorTags(convention(*size), "tv")  # AVI has no tags: what players take it for
    if source is not None and source.mastering is not None:
        notes += _add_mastering(options, name, source.mastering)
    if source is not None and source.sample_aspect_ratio != 1:
        notes += _shape_notes(container, name, source.sample_aspect_ratio)
    fourcc = known.fourcc if container.format in ("mp4", "mov") else ""
    plan = EncodePlan(
        container, name, pix_fmt, tuple(options.items()), colors, fourcc, tuple(notes)
    )
    shown = size or _USUAL, timeline or Timeline.constant(Fraction(25), 1)
    try_out(plan, *shown, source)
    if source is None or settings.pix_fmt is not None:
        return plan
    return replace(plan, notes=(*plan.notes, *_chroma_notes(plan, *shown, source)))


def needs_even(
    output: str | os.PathLike[str],
    settings: EncodeSettings,
    *,
    source: VideoInfo | None = None,
    alpha: bool = False,
) -> bool:
    """Whether an output's frames must have even sides for its usual pixel format.

    Args:
        output: see :func:`deeptsr.video.destination.destination_of`.
        settings: codec, constant quality, pixel format.
        source: whose depth the output has.
        alpha: whether the frames have an alpha channel.

    Raises:
        OptionError: for what the encoder or the container cannot do.
    """
    plan = plan_encoding(destination_of(output), settings, source=source, alpha=alpha)
    if plan is None:
        return False
    return CODECS.get(plan.codec, PLAIN).even_only and halves_chroma(plan.pix_fmt)


def _suited(container: Container, asked: str | None, depth: int, alpha: bool) -> str:
    """Choose the codec that suits a container and the pictures."""
    with suppress(ValueError):  # an unknown format is refused once the codec is known
        if asked is not None:
            depth, alpha = bits(asked), has_alpha(asked)
    if alpha and container.alpha:
        return container.alpha
    deep = depth > 8 and container.deep in av.codecs_available
    return container.deep if deep else container.codec


def _add_mastering(options: dict[str, str], codec: str, mastering: Mastering) -> list[str]:
    added = mastering.options(codec)
    if not added:
        return [
            f"what the file says of its mastering display and brightness is left out: {codec} "
            "cannot write it here; libx265 and libsvtav1 can"
        ]
    _add(options, added)
    return []


def _add(options: dict[str, str], added: dict[str, str]) -> None:
    """Add options; lists of an encoder's own are joined."""
    for key, value in added.items():
        options[key] = f"{options[key]}:{value}" if key in options else value


def _check_times(name: str, container: Container, timeline: Timeline) -> None:
    """Refuse a timeline that the container cannot hold."""
    if not (container.variable or timeline.is_constant):
        raise OptionError(
            f"{name} has no timestamps and the frame rate is variable; write .mp4, .mov or .mkv, "
            "or choose `vfr` cfr or `fps` for a constant rate"
        )
    if container.ticks and timeline.highest_rate > _MILLISECOND_RATE:
        raise OptionError(
            f"{name} at {describe_rate(timeline.highest_rate)}: its clock counts milliseconds, "
            f"which holds up to {describe_rate(_MILLISECOND_RATE)}; write .mp4 or .mov"
        )


def _check_fixed(
    target: Destination,
    settings: EncodeSettings,
    timeline: Timeline | None,
    source: VideoInfo | None,
) -> None:
    what, codecs = ("a GIF", _GIF_CODECS) if target.kind == "gif" else ("PNGs", (None, "png"))
    if settings.codec not in codecs:
        raise OptionError(
            f"codec is {settings.codec} and the output is {what}; leave the codec out, or write a "
            f"file that ends in {', '.join(e for e in CONTAINERS if e != '.gif')}"
        )
    if settings.crf is not None or settings.pix_fmt is not None:
        raise OptionError(f"crf and pix_fmt do not apply to {what}; leave them out")
    if target.kind == "gif" and timeline is not None and timeline.highest_rate > _GIF_RATE:
        raise OptionError(
            f"a GIF at {describe_rate(timeline.highest_rate)}: its delays are whole hundredths of "
            f"a second, and viewers show nothing above {describe_rate(_GIF_RATE)}; write .mp4 or "
            ".webm, or choose a smaller factor"
        )
    if target.kind == "gif" and source is not None and is_hdr(source.color):
        raise not_for_hdr(source.color, "a GIF has 8 bits and no colour tags")


def _pix_fmt(
    codec: str,
    known: Codec,
    asked: str | None,
    size: tuple[int, int] | None,
    depth: int,
    alpha: bool,
) -> tuple[str, list[str]]:
    usable = [name for name in pixel_formats(codec) if not name.startswith("yuvj")]  # a tag here
    odd = size is not None and (size[0] % 2 or size[1] % 2) and known.even_only
    if asked is not None:
        if usable and asked not in usable:
            raise OptionError(f"pix_fmt is {asked}; expected for {codec}: {', '.join(usable)}")
        if odd and size is not None and halves_chroma(asked):
            raise OptionError(
                f"pix_fmt is {asked} and the size {size[0]}x{size[1]}: {codec} needs even numbers "
                "for it; choose yuv444p, or `codec` ffv1"
            )
        return asked, []
    chosen = best_format(codec, depth, alpha)
    if not odd or size is None or not halves_chroma(chosen):
        return chosen, []
    full = full_chroma(chosen)
    if full not in usable:
        raise OptionError(
            f"the size is {size[0]}x{size[1]}; {codec} takes even numbers only; choose `codec` "
            "libx264 or libvpx-vp9"
        )
    return full, [
        f"{size[0]}x{size[1]} has an odd side: written with full chroma ({full}), since {codec} "
        "cannot halve it; some players do not show that"
    ]


def _depth_notes(
    container: Container, codec: str, pix_fmt: str, depth: int, alpha: bool
) -> list[str]:
    """Say so where fine steps are lost, with what keeps them; and where few players show them."""
    if depth > 8 and bits(pix_fmt) <= 8:
        keeps = container.alpha if alpha else container.deep
        here = keeps in av.codecs_available and bits(best_format(keeps, depth, alpha)) > 8
        return [
            f"{depth} bits a sample are written with 8: {codec} has no more; choose "
            f"{f'`codec` {keeps}' if here else '.mov with `codec` prores_ks'} to keep them"
        ]
    if codec == "libx264" and bits(pix_fmt) > 8:
        return [f"H.264 with {bits(pix_fmt)} bits: some players do not show that"]
    return []


def _chroma_notes(
    plan: EncodePlan, size: tuple[int, int], timeline: Timeline, source: VideoInfo
) -> list[str]:
    """Say so where colours lose detail that the source, being Y'CbCr, keeps apart."""
    if holds(source.pix_fmt) != "yuv" or chroma(plan.pix_fmt) >= chroma(source.pix_fmt):
        return []
    advice = ".mkv with `codec` ffv1"
    keeps = richer(plan.codec, plan.pix_fmt, chroma(source.pix_fmt))
    if keeps:
        with suppress(OptionError):  # some encoders list what they refuse
            try_out(replace(plan, pix_fmt=keeps), size, timeline, source)
            advice = f"`pix_fmt` {keeps}"
    return [
        f"the input's {source.pix_fmt} is written as {plan.pix_fmt}: fine edges between colours "
        f"lose detail; {advice} keeps it, which fewer players show"
    ]


def _shape_notes(container: Container, codec: str, aspect: Fraction) -> list[str]:
    """Say so where neither the codec nor the container keeps pixels that are no squares."""
    if container.format in ("mp4", "mov") or CODECS.get(codec, PLAIN).shaped:
        return []
    return [
        f"the input's pixels are {aspect} as wide as high, which {codec} in {container.format} "
        "does not keep: it will look stretched; write .mp4 or .mov to keep it"
    ]


def _quality(codec: str, known: Codec, crf: float | None) -> dict[str, str]:
    if known.crf is None:
        if crf is not None:
            able = ", ".join(name for name, facts in CODECS.items() if facts.crf is not None)
            raise OptionError(
                f"crf is {crf:g} and {codec} has no constant quality; leave it out, or choose one "
                f"of {able}"
            )
        return {}
    if crf is not None and crf > known.highest_crf:
        raise OptionError(
            f"crf is {crf:g}; expected for {codec}: 0 (lossless) to {known.highest_crf:g}"
        )
    return {known.quality: f"{known.crf if crf is None else crf:g}"}
