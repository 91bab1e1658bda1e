"""Write docs/gallery.md: the rendered clips before and after, with their figures.

::

    python -m benchmarks.gallery
    python -m benchmarks.gallery --clip fan --out /tmp/gallery

Each clip's figures are kept (``gallery/figures.json``): with ``--clip``, the others stay as they
were, if they were made with the same settings.

What is drawn of a clip is two rows of five squares: the input, linear interpolation, minterpolate,
deeptsr, the truth. Above, enlarged, an instant of the place where most moves; below, the row of
pixels through which most moves, followed through time, which runs downwards. Under it the input,
minterpolate and deeptsr move, in the stretch in which most moves.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

import deeptsr  # noqa: E402
from benchmarks.quality import Pair, Row, load, score  # noqa: E402
from deeptsr.evaluation.baselines import BASELINES, baseline  # noqa: E402
from deeptsr.learning.prior import prior_of  # noqa: E402
from deeptsr.report.motion import measure  # noqa: E402
from examples.moving_picture import encoded, sheet  # noqa: E402

SQUARES = 5  # in a row
SIDE = 128  # pixels of a square,
GAP = 6  # and between squares
SPAN = 16  # LTR frames that a slice shows
MOVED = 8  # those that a moving picture shows,
MOVING = 128  # pixels of each of the three that move,
LARGEST = 90_000  # and bytes of all: there are many, and a clone has them all
COLOURS = 96  # of a picture: textures are noise, and cost much otherwise
OURS = "deeptsr"
RIVALS = ("linear", "minterpolate")
TOLD = {
    "fan": "Five blades, 72 degrees apart, turn 40 degrees clockwise a frame: by eye, and by every "
    "interpolator, 32 degrees the other way.",
    "fan-spinup": "The same fan, from 10 to 48 degrees a frame: it seems to slow down, to stand "
    "still, and to turn back.",
    "wheel": "Six spokes, 60 degrees apart, turn 38 degrees a frame, and seem to turn back by 22.",
    "pan": "A picture slides 7.3 pixels a frame to the left: all of it moves alike.",
    "ball": "A striped ball bounces: slow at the top, fast at the floor.",
    "falling": "Diamonds and bricks fall ever faster, each spinning at its own rate.",
    "fire": "Flames keep no shape: layers of them rise at three speeds, sway and flicker.",
    "water": "Stones under rippled water, light that gathers, and rings where drops fall.",
    "shake": "A camera held by hand before a photograph: it sways, and trembles within a frame.",
    "slow": "The same photograph, drifting less than half a pixel a frame: a control, since "
    "interpolation does well here.",
}

Clip = NDArray[np.float32]  # (T, H, W, 3) in [0, 1]


@dataclass(frozen=True)
class Shown:
    """A clip of the gallery."""

    name: str
    rows: list[Row]
    prior: str  # how the digest of what its fit started from begins; "" where that was not kept

    def row(self, method: str) -> Row:
        """The figures of a method."""
        return next(row for row in self.rows if row.method == method)


def make(name: str, preset: str, factor: int, size: int, frames: int | None, out: Path) -> Shown:
    """Render a clip, raise its rate by every method, score them, and draw."""
    pair = load(name, None, factor, frames, size)
    made: dict[str, Clip] = {}
    rows = []
    for method in (*BASELINES, OURS):
        click.echo(f"{name}: {method}", err=True)
        begin = time.perf_counter()
        if method == OURS:
            options = deeptsr.preset(preset, factor=factor)
            made[method] = deeptsr.upscale_array(pair.ltr, options)
        else:
            made[method] = np.stack(list(baseline(method, iter(_unit(pair.ltr)), factor)))
        seconds = time.perf_counter() - begin
        rows.append(replace(score(method, _each(made[method]), pair), seconds=seconds))
    draw(pair, made).save(out / "gallery" / f"{name}.png", optimize=True)
    (out / "gallery" / f"{name}.webp").write_bytes(animate(pair, made))
    return Shown(name, rows, _digest(preset))


def draw(pair: Pair, made: dict[str, Clip]) -> Image.Image:
    """Draw the squares of a clip: see the top of this file."""
    ltr, factor = _unit(pair.ltr), pair.factor
    moving = measure(ltr)
    side = min(SIDE, *ltr.shape[1:3])
    box = moving.boxes(side, 1)[0]
    span = moving.times(SPAN, [range(len(ltr))])
    whole = slice(span.start * factor, span.stop * factor)
    top = min(box.top, ltr.shape[1] - side)
    left = min(box.left, ltr.shape[2] - side)
    upper, lower = [], []
    others = (made[method] for method in (*RIVALS, OURS))
    for clip in (np.repeat(ltr, factor, axis=0), *others, _unit(pair.htr)):
        upper.append(clip[box.frame * factor, top : top + side, left : left + side])
        lines = clip[whole, moving.row(), left : left + side]  # (T, W, 3)
        lower.append(lines[np.arange(SIDE) * len(lines) // SIDE])
    sheet = np.zeros(
        (2 * SIDE + GAP, SQUARES * SIDE + (SQUARES - 1) * GAP, 4), np.uint8
    )  # transparent between
    for row, squares in enumerate((upper, lower)):
        for column, square in enumerate(squares):
            tall, wide, _ = square.shape
            y, x = row * (SIDE + GAP), column * (SIDE + GAP)
            sheet[y : y + tall, x : x + wide, :3] = np.rint(square.clip(0, 1) * 255)
            sheet[y : y + tall, x : x + wide, 3] = 255
    return Image.fromarray(sheet).quantize(
        COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    )


def animate(pair: Pair, made: dict[str, Clip]) -> bytes:
    """Make a moving picture of the stretch in which most moves: input, minterpolate, deeptsr."""
    ltr, factor = _unit(pair.ltr), pair.factor
    span = measure(ltr).times(MOVED, [range(len(ltr))])
    moments = range(span.start * factor, span.stop * factor)
    shown = [(ltr[n // factor], made["minterpolate"][n], made[OURS][n]) for n in moments]
    return encoded([sheet(each, MOVING) for each in shown], LARGEST)


def write(shown: list[Shown], out: Path, preset: str, factor: int, size: int) -> None:
    """Write the page."""
    lines = [
        "# Gallery",
        "",
        "Clips whose truth is known, because they are rendered (`examples/render_clips.py`), "
        f"{size} x {size} pixels:",
        f"every method makes {factor} frames of one. Written by `python -m benchmarks.gallery`, "
        f"with deeptsr {deeptsr.__version__},",
        f"preset `{preset}`, seed 0, on a CPU.",
        "",
        origins(shown),
        "",
        "| clip | repeat | linear | minterpolate | deeptsr | gain | SSIM, linear "
        "| SSIM, deeptsr | turns right |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for clip in shown:
        base, ours = clip.row("linear"), clip.row(OURS)
        cells = [
            f"[{clip.name}](#{clip.name})",
            *(f"{clip.row(method).psnr_db:.2f}" for method in (*BASELINES, OURS)),
            f"{ours.psnr_db - base.psnr_db:+.2f}",
            *(f"{row.ssim:.3f}" for row in (base, ours)),
            _share(ours),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "PSNR in dB and SSIM, means over the frames. Gain: over linear interpolation, dB. Turns "
        "right: share of deeptsr's",
        "frames whose rotation is within 20 % of the truth's.",
        "",
        "In the pictures, from left to right: the input, linear interpolation, `minterpolate`, "
        "deeptsr, the truth.",
        "Above, an instant of the place where most moves. Below, one row of pixels followed "
        "through time, which",
        "runs downwards: what moves leans, to the side to which it moves.",
    ]
    for clip in shown:
        lines += [
            "",
            f"## {clip.name}",
            "",
            TOLD[clip.name],
            "",
            verdict(clip),
            "",
            f"![{clip.name}: input, linear interpolation, minterpolate, deeptsr and truth, above "
            f"at one instant, below as a slice through time](gallery/{clip.name}.png)",
        ]
        if (out / "gallery" / f"{clip.name}.webp").exists():
            told = f"{clip.name} in motion: input, minterpolate, deeptsr"
            lines += ["", f"![{told}](gallery/{clip.name}.webp)"]
    (out / "gallery.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def origins(shown: list[Shown]) -> str:
    """Say which clips started from which prior."""
    parts = []
    for prior in dict.fromkeys(clip.prior for clip in shown):
        names = ", ".join(clip.name for clip in shown if clip.prior == prior)
        told = f"of the prior whose SHA-256 begins with `{prior}`" if prior else "of an earlier one"
        parts.append(f"{names} {told}")
    return f"By what they start from: {'; '.join(parts)}."


def verdict(clip: Shown) -> str:
    """Say in words what the figures of a clip come to."""
    ours, base = clip.row(OURS), clip.row("linear")
    best = max((clip.row(method) for method in BASELINES), key=lambda row: row.psnr_db)
    names = {"linear": "linear interpolation", "repeat": "repeated frames"}
    text = f"{ours.psnr_db - base.psnr_db:+.1f} dB over linear interpolation"
    if best is not base:
        name = names.get(best.method, f"`{best.method}`")
        text += (
            f", {ours.psnr_db - best.psnr_db:+.1f} dB over {name}, the best of the plain methods"
        )
    if ours.psnr_db < best.psnr_db:
        text += ": deeptsr does not win here"
    if ours.right_direction is None:
        return f"{text}."
    by = (f"{_share(clip.row(method))} by {names.get(method, f'`{method}`')}" for method in RIVALS)
    return f"{text}. {_share(ours)} of its frames turn as the truth does; {', '.join(by)}."


def kept(place: Path, settings: dict[str, Any]) -> dict[str, Shown]:
    """Read the figures of earlier clips; none, where they were made with other settings."""
    if not place.exists():
        return {}
    held = json.loads(place.read_text(encoding="utf-8"))
    if held["settings"] != settings:
        return {}
    priors = held.get("priors", {})
    return {
        name: Shown(name, [Row(**row) for row in rows], priors.get(name, ""))
        for name, rows in held["clips"].items()
    }


def keep(place: Path, settings: dict[str, Any], shown: list[Shown]) -> None:
    """Write the figures of all clips."""
    clips = {clip.name: [asdict(row) for row in clip.rows] for clip in shown}
    priors = {clip.name: clip.prior for clip in shown}
    text = json.dumps({"settings": settings, "priors": priors, "clips": clips}, indent=1)
    place.write_text(f"{text}\n", encoding="utf-8")


def _digest(preset: str) -> str:
    prior = prior_of(deeptsr.preset(preset))
    return "none" if prior is None else prior.digest[:8]


def _share(row: Row) -> str:
    return "–" if row.right_direction is None else f"{row.right_direction:.1%}"  # noqa: RUF001


def _each(clip: Clip) -> Iterator[NDArray[Any]]:
    return iter(clip)


def _unit(clip: NDArray[np.uint8]) -> Clip:
    """Bring frames of 8 bits to float32 in [0, 1]."""
    return clip.astype(np.float32) / np.float32(255)


@click.command(help="Write docs/gallery.md and its pictures: the rendered clips, before and after.")
@click.option("--clip", "names", multiple=True, type=click.Choice(list(TOLD)), help="Some only.")
@click.option("--preset", default="fast", show_default=True)
@click.option("--factor", default=2, show_default=True)
@click.option("--size", default=256, show_default=True, help="Side of the clips, pixels.")
@click.option("--frames", type=int, help="LTR frames of the clips.  [default: their own]")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / "docs",
    help="Folder.  [default: docs]",
)
def main(
    names: tuple[str, ...], preset: str, factor: int, size: int, frames: int | None, out: Path
) -> None:
    """Make the clips, and write the page."""
    (out / "gallery").mkdir(parents=True, exist_ok=True)
    given = {"preset": preset, "factor": factor, "size": size, "frames": frames}
    settings = {**given, "version": deeptsr.__version__}
    place = out / "gallery" / "figures.json"
    shown = kept(place, settings) if names else {}
    for name in names or tuple(TOLD):
        shown[name] = make(name, preset, factor, size, frames, out)
        # Each time, as it takes long; in the usual order.
        ordered = [shown[known] for known in TOLD if known in shown]
        keep(place, settings, ordered)
        write(ordered, out, preset, factor, size)


if __name__ == "__main__":
    main()
