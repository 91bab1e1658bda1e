"""Render sample clips whose truth is known exactly, because the scene is known.

Each HTR frame is the integral of a moving scene over its share of time, and each LTR frame is the
mean of the HTR frames during which the shutter was open. So the pair obeys the imaging model of
the paper (section 2) to rounding, and there is a truth for every frame between two frames.

::

    python examples/render_clips.py --out clips --clip fan --clip pan
    python examples/render_clips.py --sample

Angles are degrees and grow clockwise as seen on the screen. Times are LTR frames.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only examples/ would be on the path

from examples.scenes import bodies, fluids, sliding, turning  # noqa: E402
from examples.scenes.film import Film, Volume  # noqa: E402
from examples.scenes.turning import ROTORS, Rotor, rotation_truth  # noqa: E402

if TYPE_CHECKING:
    import av

__all__ = [
    "CLIPS",
    "LTR_RATE",
    "ROTORS",
    "SAMPLE",
    "Rotor",
    "render",
    "rotation_truth",
    "save",
    "write_sample",
]

LTR_RATE = 30  # frames a second of a rendered LTR clip
SAMPLE = Path(__file__).with_name("fan.mp4")
CLIPS = {  # name -> LTR frames
    "fan": 48,
    "fan-spinup": 68,
    "wheel": 48,
    "pan": 48,
    "ball": 48,
    "falling": 48,
    "fire": 48,
    "water": 48,
    "shake": 48,
    "slow": 48,
}
_SCENES = {
    "pan": sliding.pan,
    "ball": bodies.ball,
    "falling": bodies.falling,
    "fire": fluids.fire,
    "water": fluids.water,
    "shake": sliding.shake,
    "slow": sliding.slow,
}


def render(
    name: str,
    *,
    size: int = 256,
    frames: int | None = None,
    factor: int = 8,
    exposure: float = 1.0,
    seed: int = 0,
) -> tuple[Volume, Volume]:
    """Render a clip at both rates.

    HTR frame ``i`` integrates the scene over ``[i / factor, (i + 1) / factor)`` LTR frames. LTR
    frame ``t`` is the mean of the first ``factor * exposure`` of the HTR frames
    ``t * factor .. (t + 1) * factor - 1``: the shutter opens at the start of the interval.

    Args:
        name: one of :data:`CLIPS`.
        size: side of the square picture, pixels, at least 16.
        frames: LTR frames; ``None`` takes the clip's own length.
        factor: HTR frames an LTR frame, at least 1.
        exposure: open share of the LTR interval, in (0, 1]; 1.0 never closes the shutter.
        seed: of the textures.

    Returns:
        The LTR clip (T, H, W, 3) and the HTR clip (T * factor, H, W, 3), float32 in [0, 1].

    Raises:
        ValueError: for an unknown clip, or numbers out of range.
    """
    if name not in CLIPS:
        raise ValueError(f"clip is {name!r}; expected one of {', '.join(CLIPS)}")
    frames = CLIPS[name] if frames is None else frames
    if size < 16 or frames < 1 or factor < 1:
        raise ValueError(
            f"size, frames, factor are {size}, {frames}, {factor}; expected at least 16, 1, 1"
        )
    opened = factor * exposure
    if not 0 < exposure <= 1 or opened != round(opened):
        raise ValueError(
            f"exposure is {exposure} at factor {factor}; expected a share in (0, 1] that is a "
            "whole number of HTR frames"
        )
    expose = film(name, size, frames, np.random.default_rng(seed))
    htr = np.empty((frames * factor, size, size, 3), np.float32)
    for index in range(frames * factor):
        htr[index] = expose(index / factor, (index + 1) / factor)
    np.clip(htr, 0, 1, out=htr)
    groups = htr.reshape(frames, factor, size, size, 3)  # (T, factor, H, W, C)
    return groups[:, : round(opened)].mean(axis=1, dtype=np.float32), htr


def film(name: str, size: int, frames: int, rng: np.random.Generator) -> Film:
    """Build the scene of a clip: a function that exposes one frame, from any moment to any other.

    Args:
        name: one of :data:`CLIPS`.
        size: side of the square picture, pixels.
        frames: LTR frames.
        rng: of the textures.
    """
    if name in ROTORS:
        rotor = turning.wheel if name == "wheel" else turning.fan
        return rotor(ROTORS[name], size, frames, rng)
    return _SCENES[name](size, rng)


def save(path: Path, clip: Volume, rate: int | Fraction) -> None:
    """Write a clip as lossless 8-bit RGB (FFV1).

    Args:
        path: a ``.mkv`` file, replaced if it exists.
        clip: (T, H, W, 3) in [0, 1].
        rate: frames a second.
    """
    import av  # noqa: PLC0415, to render takes no codecs

    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.height, stream.width = clip.shape[1:3]
        stream.pix_fmt = "bgr0"
        for frame in clip:
            container.mux(stream.encode(_video_frame(frame)))
        container.mux(stream.encode())


def write_sample(path: Path = SAMPLE) -> None:
    """Write the README's sample: the fan as a small H.264 file in BT.709, with a quiet hum.

    The sound is there so that one can hear that it survives.
    """
    ltr, _ = render("fan", size=256, frames=48, factor=8)
    sound_rate = 48000
    import av  # noqa: PLC0415, to render takes no codecs

    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=LTR_RATE)
        video.height, video.width = ltr.shape[1:3]
        video.pix_fmt = "yuv420p"
        video.options = {"crf": "18", "preset": "slow"}
        context = video.codec_context
        context.color_primaries = context.color_trc = context.colorspace = 1  # BT.709
        context.color_range = 1  # limited
        sound = container.add_stream("aac", rate=sound_rate, layout="mono")
        sound.bit_rate = 48000
        for frame in ltr:
            picture = _video_frame(frame).reformat(
                format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
            )
            container.mux(video.encode(picture))
        container.mux(video.encode())
        # One AAC packet short: the encoder prepends one, and the file is to end with the picture.
        time = np.arange(len(ltr) * sound_rate // LTR_RATE - 1024) / sound_rate
        fade = np.clip(np.minimum(time, time[-1] - time) / 0.1, 0, 1)  # no click at the ends
        hum = 0.03 * fade * (np.sin(2 * np.pi * 100 * time) + 0.5 * np.sin(2 * np.pi * 200 * time))
        wave = av.AudioFrame.from_ndarray(hum.astype(np.float32)[None], "fltp", "mono")
        wave.sample_rate = sound_rate
        container.mux(sound.encode(wave))
        container.mux(sound.encode())


def _video_frame(frame: Volume) -> av.VideoFrame:
    """One picture (H, W, 3) in [0, 1] as 8-bit RGB."""
    import av  # noqa: PLC0415, as above

    return av.VideoFrame.from_ndarray(np.rint(frame * 255).astype(np.uint8), format="rgb24")


@click.command(help="Render sample clips whose truth is known: NAME-ltr.mkv and NAME-htr.mkv.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the clips.")
@click.option("--clip", "names", multiple=True, type=click.Choice(list(CLIPS)), help="All if none.")
@click.option("--size", default=256, show_default=True, help="Side, pixels.")
@click.option("--frames", type=int, help="LTR frames; the clip's own length if not given.")
@click.option("--factor", default=8, show_default=True, help="HTR frames an LTR frame.")
@click.option("--exposure", default=1.0, show_default=True, help="Open share of an LTR frame.")
@click.option("--seed", default=0, show_default=True, help="Of the textures.")
@click.option("--sample", is_flag=True, help=f"Write {SAMPLE.name}, the README's sample.")
def main(out: Path | None, names: tuple[str, ...], sample: bool, **scene: Any) -> None:
    """Parse, render, write."""
    if out is None and not sample:
        raise click.UsageError("nothing to do: give --out FOLDER, --sample, or both")
    if sample:
        write_sample()
        click.echo(SAMPLE)
    if out is None:
        return
    out.mkdir(parents=True, exist_ok=True)
    for name in names or CLIPS:
        try:
            ltr, htr = render(name, **scene)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        for kind, clip, rate in (("ltr", ltr, LTR_RATE), ("htr", htr, LTR_RATE * scene["factor"])):
            path = out / f"{name}-{kind}.mkv"
            save(path, clip, rate)
            click.echo(path)


if __name__ == "__main__":
    main()
