"""A moving picture of what deeptsr does: input, ``minterpolate`` and deeptsr, side by side.

::

    python -m examples.moving_picture                            # README's, of the bundled sample
    python -m examples.moving_picture --scale 2                  # README's of larger frames
    python -m examples.moving_picture clip.mp4 --made out.mkv --frames 12 --out clip.webp

All three play the same moments, slowed down until each frame of the result is seen. Of the sample,
nine frames are one turn of the fan, so that it turns for ever. With ``--scale`` a part is shown,
the place where most moves, at the size of the result; the other two are enlarged by Lanczos.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import deeptsr
from deeptsr import video
from deeptsr.evaluation.baselines import baseline
from deeptsr.report.motion import Box, measure

ROOT = Path(__file__).resolve().parents[1]
SAMPLE, HEAD = ROOT / "examples" / "fan.mp4", ROOT / "docs" / "moving.webp"
LARGE = ROOT / "docs" / "moving-large.webp"  # of larger frames
NAMES = ("input", "minterpolate", "deeptsr")
COLOURS = ((240, 165, 74), (200, 204, 212), (43, 182, 203))  # of the names
LARGEST = 1_500_000  # bytes: a page that begins with it is still there at once
QUALITIES = (80, 70, 60, 50, 40, 30, 20, 10)  # the first that is small enough
PAUSE = 40  # milliseconds from a frame of the result to the next
LINE, GAP = 24, 6  # pixels: of the names above, and between the panels
GROUND = (14, 16, 20)

Clip = NDArray[np.float32]  # (T, H, W, 3) in [0, 1]


def panels(frames: Clip, made: Clip, factor: int, span: range) -> Iterator[tuple[Clip, Clip, Clip]]:
    """Yield what is shown beside each other at each moment.

    Args:
        frames: of the input, (T, H, W, 3).
        made: of the result, (T * factor, H, W, 3).
        factor: frames of the result for one of the input.
        span: frames of the input that are shown.
    """
    plain = baseline("minterpolate", iter(frames), factor)
    wanted = range(span.start * factor, span.stop * factor)
    for number, other in zip(wanted, islice(plain, wanted.start, wanted.stop), strict=True):
        yield frames[number // factor], other, made[number]


def cut(pictures: tuple[Clip, Clip, Clip], box: Box, scale: int) -> tuple[Clip, Clip, Clip]:
    """Cut one place out of all three.

    Args:
        pictures: (H, W, 3), of which the last is ``scale`` times as large.
        box: in pixels of the first.
        scale: see ``pictures``.
    """
    first, second, third = pictures
    small = slice(box.top, box.top + box.side), slice(box.left, box.left + box.side)
    large = tuple(slice(scale * part.start, scale * part.stop) for part in small)
    return first[small], second[small], third[large]


def sheet(
    pictures: tuple[Clip, Clip, Clip], side: int, names: tuple[str, str, str] = NAMES
) -> Image.Image:
    """Put three pictures beside each other, their names above.

    Args:
        pictures: (H, W, 3) each, of the same proportions.
        side: width of each, pixels.
        names: of each.
    """
    tall = round(side * pictures[0].shape[0] / pictures[0].shape[1])
    drawn = Image.new("RGB", (3 * side + 2 * GAP, LINE + tall), GROUND)
    pen = ImageDraw.Draw(drawn)
    font = ImageFont.truetype(str(Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), 13)
    for column, (picture, name, colour) in enumerate(zip(pictures, names, COLOURS, strict=True)):
        left = column * (side + GAP)
        numbers = np.rint(picture.clip(0, 1) * 255).astype(np.uint8)
        shown = Image.fromarray(numbers).resize((side, tall), Image.Resampling.LANCZOS)
        drawn.paste(shown, (left, LINE))
        pen.text((left + 4, LINE // 2), name, fill=colour, font=font, anchor="lm")
    return drawn


def encoded(pictures: list[Image.Image], largest: int = LARGEST) -> bytes:
    """Make an animated WebP of the best quality that is small enough.

    Raises:
        click.ClickException: when even the least is too large.
    """
    for quality in QUALITIES:
        target = io.BytesIO()
        pictures[0].save(
            target,
            "WEBP",
            save_all=True,
            append_images=pictures[1:],
            duration=PAUSE,
            loop=0,
            quality=quality,
            method=4,
        )
        if target.tell() <= largest:
            return target.getvalue()
    raise click.ClickException(
        f"{len(pictures)} pictures do not fit into {largest} bytes; show fewer --frames, or smaller"
    )


def clip_of(path: Path) -> Clip:
    """Read a whole video, (T, H, W, 3)."""
    info = video.probe(path)
    return np.stack([frame[..., :3] for frame in video.read(info)])


def result(frames: Clip, made: Path | None, preset: str, factor: int, scale: int) -> Clip:
    """Read the result, or make it.

    Raises:
        click.UsageError: when what was made is not ``factor`` times as long as the input, and
            ``scale`` times as wide and high.
    """
    if made is None:
        options = deeptsr.preset(preset, factor=factor, scale=scale)
        fine: Clip = deeptsr.upscale_array(frames, options)
        return fine
    found = clip_of(made)
    if len(found) != factor * len(frames):
        raise click.UsageError(
            f"{made} has {len(found)} frames; expected {factor * len(frames)}, {factor} for each "
            "of the input's"
        )
    if found.shape[2] != scale * frames.shape[2]:
        raise click.UsageError(
            f"{made} is {found.shape[2]} pixels wide; expected {scale * frames.shape[2]}, {scale} "
            "times as many as the input; say how many with --scale"
        )
    return found


@click.command(help="Write an animated WebP: input, minterpolate and deeptsr beside each other.")
@click.argument(
    "source", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=SAMPLE
)
@click.option(
    "--made",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The result, where it is there already.",
)
@click.option("--preset", default="fast", show_default=True)
@click.option("--factor", default=8, show_default=True)
@click.option("--scale", default=1, show_default=True, help="Of the sides, whole.")
@click.option("--first", default=9, show_default=True, help="Frame of the input it begins with.")
@click.option("--frames", "count", default=9, show_default=True, help="Frames of the input shown.")
@click.option("--side", default=224, show_default=True, help="Width of each of the three, pixels.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The WebP.  [default: README's]",
)
def main(
    source: Path, made: Path | None, preset: str, factor: int, scale: int, **shown: Any
) -> None:
    """Upscale, put together, write."""
    frames = clip_of(source)
    first, count, side = (shown[name] for name in ("first", "count", "side"))
    out = shown["out"] or (HEAD if scale == 1 else LARGE)
    span = range(first, first + count)
    if not 0 <= span.start < span.stop <= len(frames):
        raise click.UsageError(
            f"frames {span.start} to {span.stop - 1} were asked for; expected some of the "
            f"{len(frames)} of {source}, from 0"
        )
    found = result(frames, made, preset, factor, scale)
    seen, names = panels(frames, found, factor, span), NAMES
    if scale > 1:
        least = min(side // scale, *frames.shape[1:3])
        place = measure(frames[span.start : span.stop]).boxes(least, 1)[0]
        seen = (cut(each, place, scale) for each in seen)
        names = "input, enlarged", "minterpolate, enlarged", f"deeptsr --scale {scale}"
    pictures = [sheet(each, side, names) for each in seen]
    data = encoded(pictures)
    out.write_bytes(data)
    click.echo(f"wrote {out}: {len(pictures)} frames, {len(data) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
