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

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import click
import numpy as np
from numpy.typing import NDArray

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

Volume = NDArray[np.float32]
Plane = NDArray[np.floating[Any]]
Film = Callable[[float, float], Plane]  # (start, end) in LTR frames -> the mean picture (H, W, 3)

LTR_RATE = 30  # frames a second of a rendered LTR clip
SAMPLE = Path(__file__).with_name("fan.mp4")
SUPERSAMPLES = 3  # points a pixel side at which an edge is evaluated
SUBSAMPLES = 12  # instants an HTR frame, for the one scene that has no closed integral


@dataclass(frozen=True)
class Rotor:
    """Something with equal spokes that turns about the centre of the picture."""

    folds: int  # equal spokes: the picture repeats every 360 / folds degrees
    start_speed: float  # degrees an LTR frame at the beginning, > 0
    end_speed: float  # degrees an LTR frame at the end, > 0
    inner: float  # radius where the pattern begins, as a share of the picture's side
    outer: float  # radius where it ends, the same unit

    def angle(self, time: float, frames: int) -> float:
        """Angle at a time (LTR frames), in degrees: the integral of a speed that grows linearly."""
        growth = (self.end_speed - self.start_speed) / frames
        return self.start_speed * time + growth * time * time / 2


ROTORS = {
    # A step of 40 degrees between blades 72 apart looks like one of -32: the fan seems to reverse.
    "fan": Rotor(folds=5, start_speed=40, end_speed=40, inner=0.09, outer=0.43),
    "fan-spinup": Rotor(folds=5, start_speed=10, end_speed=48, inner=0.09, outer=0.43),
    "wheel": Rotor(folds=6, start_speed=38, end_speed=38, inner=0.10, outer=0.40),
}
CLIPS = {"fan": 48, "fan-spinup": 68, "wheel": 48, "pan": 48, "ball": 48}  # name -> LTR frames


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
    film = _film(name, size, frames, np.random.default_rng(seed))
    htr = np.empty((frames * factor, size, size, 3), np.float32)
    for index in range(frames * factor):
        htr[index] = film(index / factor, (index + 1) / factor)
    np.clip(htr, 0, 1, out=htr)
    groups = htr.reshape(frames, factor, size, size, 3)  # (T, factor, H, W, C)
    return groups[:, : round(opened)].mean(axis=1, dtype=np.float32), htr


def rotation_truth(name: str, frames: int, factor: int) -> NDArray[np.float64]:
    """How far a rotor turns between the middles of successive HTR frames.

    Args:
        name: one of :data:`ROTORS`.
        frames: LTR frames of the clip.
        factor: HTR frames an LTR frame.

    Returns:
        Degrees, (frames * factor - 1,), not folded into the range that can be told apart.
    """
    middles = (np.arange(frames * factor) + 0.5) / factor
    return np.diff([ROTORS[name].angle(time, frames) for time in middles])


def _film(name: str, size: int, frames: int, rng: np.random.Generator) -> Film:
    """Build the scene of a clip: a function that exposes one frame."""
    if name in ("fan", "fan-spinup"):
        return _fan(ROTORS[name], size, frames, rng)
    if name == "wheel":
        return _wheel(ROTORS[name], size, frames, rng)
    if name == "pan":
        return _pan(size, rng)
    return _ball(size, rng)


def _fan(rotor: Rotor, size: int, frames: int, rng: np.random.Generator) -> Film:
    """Build five light blades of 12 degrees and a hub before a textured wall."""
    radius, _ = _polar(size, 1)
    wall = _texture(size, rng, low=0.10, high=0.42)
    blade = np.array([0.93, 0.90, 0.82], np.float32) * (1 - 0.15 * radius / size)[..., None]
    hub = _disc(size, rotor.inner * 1.15)

    def half_width(r: Plane) -> Plane:
        return np.where((r > 0.5 * rotor.inner) & (r < rotor.outer), 6.0, 0.0)

    def paint(coverage: Plane) -> Plane:
        turning = wall + coverage[..., None] * (blade - wall)
        return turning + hub[..., None] * (np.array([0.25, 0.27, 0.32], np.float32) - turning)

    return _turning(rotor, size, frames, half_width, paint)


def _wheel(rotor: Rotor, size: int, frames: int, rng: np.random.Generator) -> Film:
    """Build a dark wheel with three rings of six light dots."""
    radius, _ = _polar(size, 1)
    wall = _texture(size, rng, low=0.2, high=0.7)
    plate = wall + _disc(size, rotor.outer + 0.05)[..., None] * (
        np.array([0.12, 0.13, 0.20], np.float32) - wall
    )
    share = np.clip(radius / size / rotor.outer, 0, 1)[..., None]
    dots = np.array([0.95, 0.55, 0.2]) * share + np.array([0.6, 0.9, 0.95]) * (1 - share)
    rings = ((0.14, 0.036), (0.235, 0.048), (0.345, 0.055))  # (ring's radius, dot's radius)

    def half_width(r: Plane) -> Plane:
        width = np.zeros_like(r)
        for ring, dot in rings:
            # Law of cosines: the angle at which a circle about the centre enters the dot.
            cosine = (r * r + ring * ring - dot * dot) / np.maximum(2 * r * ring, 1e-9)
            width += np.degrees(np.arccos(np.clip(cosine, -1, 1))) * (np.abs(r - ring) < dot)
        return width

    def paint(coverage: Plane) -> Plane:
        return plate + coverage[..., None] * (dots.astype(np.float32) - plate)

    return _turning(rotor, size, frames, half_width, paint)


def _turning(
    rotor: Rotor,
    size: int,
    frames: int,
    half_width: Callable[[Plane], Plane],
    paint: Callable[[Plane], Plane],
) -> Film:
    """Expose equal turning spokes in closed form.

    A point sees a square wave of the angle: covered within ``half_width`` of a spoke. The wave's
    antiderivative at the two ends of the exposure gives the covered share of time, without any
    sampling of time (the speed is taken as constant within one HTR frame).
    """
    radius, angle = _polar(size, SUPERSAMPLES)
    period = 360.0 / rotor.folds
    width = half_width(radius / size).astype(np.float32)

    def antiderivative(offset: Plane) -> Plane:
        turns = np.floor(offset / period + 0.5)
        offset = offset - period * turns
        covered: Plane = np.clip(offset, -width, width) + 2 * width * turns
        return covered

    def expose(start: float, end: float) -> Plane:
        first, last = rotor.angle(start, frames), rotor.angle(end, frames)
        step = last - first
        first = first % period  # float32 keeps its digits
        covered = antiderivative(angle - first) - antiderivative(angle - (first + step))
        return paint(_shrink(covered / np.float32(step)))

    return expose


def _pan(size: int, rng: np.random.Generator) -> Film:
    """Build a photograph-like canvas that slides 7.3 pixels a frame to the left and 0.9 down.

    The canvas is a Fourier series, so a shift during the exposure is a phase and a sinc a
    frequency: exact, without resampling.
    """
    side = 2 * size
    spectrum = np.fft.rfft2(_canvas(side, size, rng), axes=(0, 1))
    fy, fx = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    scale = size / 256  # the speed keeps its share of the picture
    cycles = fx * (7.3 * scale) + fy * (-0.9 * scale)  # cycles a frame at every frequency

    def expose(start: float, end: float) -> Plane:
        phase = np.exp(1j * np.pi * cycles * (start + end)) * np.sinc(cycles * (end - start))
        moved = np.fft.irfft2(spectrum * phase[..., None], s=(side, side), axes=(0, 1))
        return moved[:size, :size].astype(np.float32)

    return expose


def _canvas(side: int, size: int, rng: np.random.Generator) -> Volume:
    """Strew a texture with discs and boxes, (side, side, 3), periodic in both directions."""
    canvas = 0.6 * _texture(side, rng, low=0.1, high=0.9) + 0.15
    y, x = np.mgrid[:side, :side].astype(np.float32)
    for index in range(60):
        cx, cy = rng.uniform(0, side, 2)
        reach = rng.uniform(0.03, 0.11) * size
        dx = np.abs((x - cx + side / 2) % side - side / 2)
        dy = np.abs((y - cy + side / 2) % side - side / 2)
        distance = np.hypot(dx, dy) if index % 2 else np.maximum(dx, dy * rng.uniform(0.5, 2))
        # An edge two pixels wide: a sharper one would ring as a Fourier series.
        cover = 0.5 - 0.5 * np.sin(np.pi / 2 * np.clip(distance - reach, -1, 1))
        canvas += cover[..., None] * (rng.uniform(0.1, 0.9, 3).astype(np.float32) - canvas)
    return canvas


def _ball(size: int, rng: np.random.Generator) -> Film:
    """Build a striped ball that bounces: slow at the top, fast at the floor."""
    wall = _texture(size, rng, low=0.15, high=0.6)
    radius, floor, height = 0.11 * size, 0.80 * size, 0.55 * size
    y, x = np.mgrid[:size, :size].astype(np.float32)

    def place(time: float) -> tuple[float, float]:
        bounce = (time / 21 + 0.35) % 1
        across = (time / 37 + 0.1) % 2
        share = across if across < 1 else 2 - across
        return (0.15 + 0.7 * share) * size, floor - height * 4 * bounce * (1 - bounce)

    def expose(start: float, end: float) -> Plane:
        frame = wall.copy()
        times = start + (end - start) * (np.arange(SUBSAMPLES) + 0.5) / SUBSAMPLES
        places = [place(time) for time in times]
        box = tuple(
            slice(max(0, int(min(axis) - radius - 2)), int(max(axis) + radius + 3))
            for axis in ([cy for _, cy in places], [cx for cx, _ in places])
        )
        total = np.zeros_like(frame[box])
        for cx, cy in places:
            dx, dy = x[box] - np.float32(cx), y[box] - np.float32(cy)
            cover = np.clip(radius + 0.5 - np.hypot(dx, dy), 0, 1)[..., None]
            stripe = np.clip(0.5 + (0.28 * radius - np.abs(dy + 0.3 * dx)), 0, 1)[..., None]
            skin = np.array([0.9, 0.25, 0.15], np.float32) * (1 - stripe) + 0.95 * stripe
            light = np.clip(1 - 0.35 * (dx + dy) / radius, 0.4, 1)[..., None]
            total += wall[box] + cover * (skin * light - wall[box])
        frame[box] = total / SUBSAMPLES
        return frame

    return expose


def _polar(size: int, supersamples: int) -> tuple[Plane, Plane]:
    """Radius (pixels) and angle (degrees) of every sample point, each (n, n), n = size * samples.

    The centre is the middle of the picture: pixel coordinate (size - 1) / 2.
    """
    axis = (np.arange(size * supersamples, dtype=np.float32) + 0.5) / supersamples - size / 2
    y, x = axis[:, None], axis[None]
    return np.hypot(x, y), np.degrees(np.arctan2(y, x)).astype(np.float32)


def _shrink(fine: Plane) -> Plane:
    """Mean of the sample points of each pixel, (n, n) -> (H, W)."""
    total = np.add.reduceat(fine, np.arange(0, fine.shape[0], SUPERSAMPLES), axis=0)
    total = np.add.reduceat(total, np.arange(0, fine.shape[1], SUPERSAMPLES), axis=1)
    shrunk: Plane = total / np.float32(SUPERSAMPLES**2)
    return shrunk


def _disc(size: int, share: float) -> Plane:
    """Cover of a still disc about the centre, radius a share of the side, (H, W)."""
    radius, _ = _polar(size, 1)
    cover: Plane = np.clip(share * size + 0.5 - radius, 0, 1)
    return cover


def _texture(size: int, rng: np.random.Generator, *, low: float, high: float) -> Volume:
    """Coloured noise, smooth as a photograph out of focus is, (H, W, 3) in [low, high]."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]) * size
    # Falls from three cycles a picture on, and ends near 0.35 cycles a pixel, before it can alias.
    envelope = np.exp(-((frequency / (0.35 * size)) ** 4)) / np.maximum(frequency, 3) ** 1.5
    noise = np.fft.rfft2(rng.standard_normal((size, size, 4)), axes=(0, 1))
    fields = np.fft.irfft2(noise * envelope[..., None], s=(size, size), axes=(0, 1))
    fields /= fields.std(axis=(0, 1))
    mixed = 0.9 * fields[..., :1] + 0.44 * fields[..., 1:]  # a shared lightness and a colour
    # Clipped at 2.5 deviations.
    return (low + (high - low) * np.clip(0.5 + mixed / 5, 0, 1)).astype(np.float32)


def save(path: Path, clip: Volume, rate: int | Fraction) -> None:
    """Write a clip as lossless 8-bit RGB (FFV1).

    Args:
        path: a ``.mkv`` file, replaced if it exists.
        clip: (T, H, W, 3) in [0, 1].
        rate: frames a second.
    """
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
    ltr, _ = render("fan", size=192, frames=48, factor=8)
    sound_rate = 48000
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
