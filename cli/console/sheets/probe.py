"""What ``deeptsr probe`` says, row by row."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from deeptsr.events import Planned, Probed
from deeptsr.system.humanize import duration, rate, size

__all__ = ["WIDTH", "plan_rows", "sections", "sheet"]

Row = tuple[str, str]  # what it is of, and the figures
WIDTH = 12  # of the names, and the space after them
_TOLD = 10  # frames named in a row


def plan_rows(event: Planned, verbose: bool) -> list[Row]:
    """Tell what is about to be done."""
    exact = f" (exactly {event.rate_in} -> {event.rate_out})" if verbose else ""
    dropped = f" ({event.dropped} duplicates are dropped)" if event.dropped else ""
    work = f" ({event.operations:.2g} operations)" if verbose else ""
    return [
        ("frames", f"{event.frames_in} -> {event.frames_out}{dropped}"),
        ("rate", f"{rate(event.rate_in)} -> {rate(event.rate_out)} frames a second{exact}"),
        *([("length", duration(event.duration))] if event.duration else []),
        ("size", f"{event.width} x {event.height}" + _larger(event)),
        *(("stages" if i == 0 else "", stage) for i, stage in enumerate(event.stages)),
        *([("shutter", _shutter(event.exposure))] if event.exposure != "full" else []),
        ("preset", f"{event.preset}, on {event.device}"),
        ("time", f"about {duration(event.seconds)}" + work),
        ("memory", size(event.memory_bytes)),
        ("disk", size(event.disk_bytes)),
    ]


def _larger(event: Planned) -> str:
    if (event.width_out, event.height_out) in ((0, 0), (event.width, event.height)):
        return ""
    return f" -> {event.width_out} x {event.height_out}"


def _shutter(exposure: str | float) -> str:
    return "open for " + (
        "an instant" if exposure == "delta" else f"{exposure:.0%} of a frame's time"
    )


def sections(event: Probed, verbose: bool) -> list[tuple[str, list[Row]]]:
    """Lay an input out: headings, each with its rows."""
    told = None if verbose else _TOLD
    return [
        (event.input, _file_rows(event)),
        ("what its frames show", _frame_rows(event, told)),
        ("what would be done", plan_rows(event.plan, verbose)),
    ]


def sheet(event: Probed, verbose: bool) -> str:
    """Write an input as plain text."""
    parts = sections(event, verbose)
    return "\n\n".join(
        "\n".join([title, *(f"  {name:<{WIDTH}}{text}" for name, text in rows)])
        for title, rows in parts
    )


def _file_rows(event: Probed) -> list[Row]:
    row = [("container", f"{event.container}, {size(event.size_bytes)}"), ("video", event.codec)]
    row.append(("size", _size(event)))
    if event.rotation or event.mirrored:
        turn = [f"by {event.rotation} degrees clockwise"] * (event.rotation != 0)
        row.append(("turned", ", ".join([*turn, *["mirrored"] * event.mirrored])))
    alpha = ", partly transparent" * event.alpha
    row.append(("pixels", f"{event.pix_fmt or 'not known'}, {event.depth} bits{alpha}"))
    row.append(("colour", _colour(event)))
    varies = ", variable: on the average" * event.variable
    row += [
        ("rate", f"{rate(event.rate)} frames a second{_exact(event.rate)}{varies}"),
        ("frames", str(event.frames)),
        ("duration", f"{event.duration:.3f} s"),
    ]
    row += [("start", f"{event.start:.3f} s")] if event.start else []
    row += [("fields", "interlaced")] if event.interlaced else []
    row += _list("sound", event.sounds) or [("sound", "none")]
    row += _list("subtitles", event.subtitles) + _list("also", event.others)
    row += [("chapters", str(event.chapters))] if event.chapters else []
    return row + _list("note", event.notes)


def _size(event: Probed) -> str:
    aspect = Fraction(event.sample_aspect_ratio)
    text = f"{event.width} x {event.height}"
    if aspect == 1:
        return text
    shown = round(event.width * aspect)
    return f"{text}, shown as {shown} x {event.height} (pixels are {aspect} as wide as high)"


def _colour(event: Probed) -> str:
    levels = {"tv": "limited range", "pc": "full range"}.get(event.range, event.range)
    of = {"primaries": event.primaries, "transfer": event.transfer}
    rest = [f"{name} {value}" for name, value in of.items() if value != "unknown"]
    matrix = "RGB" if event.matrix == "gbr" else f"matrix {event.matrix}"
    return ", ".join([matrix, levels, *rest, *["high dynamic range"] * event.hdr])


def _exact(text: str) -> str:
    return f" (exactly {text})" if "/" in text else ""


def _frame_rows(event: Probed, told: int | None) -> list[Row]:
    first, stop = event.used
    part = [("used", f"frames {first} to {stop - 1}, counted here from 0")]
    row = part if stop - first < event.frames else []
    row.append(("scenes", _scenes(event.cuts, told)))
    if event.cuts_used != event.cuts:
        row.append(("taken as", _scenes(event.cuts_used, told)))
    repeats = "none" if not event.duplicates else str(len(event.duplicates))
    if event.duplicates:
        plural = "s" * (len(event.duplicates) == 1)
        repeats += f" repeat{plural} the one before: {_some(event.duplicates, told)}"
    return [*row, ("duplicates", repeats)]


def _scenes(cuts: tuple[int, ...], told: int | None) -> str:
    if not cuts:
        return "1"
    plural = "s" * (len(cuts) > 1)
    return f"{len(cuts) + 1}: cut{plural} before frame{plural} {_some(cuts, told)}"


def _some(frames: tuple[int, ...], told: int | None) -> str:
    more = ", ..." if told is not None and len(frames) > told else ""
    return ", ".join(map(str, frames[:told])) + more


def _list(name: str, texts: Iterable[str]) -> list[Row]:
    return [(name if n == 0 else "", text) for n, text in enumerate(texts)]
