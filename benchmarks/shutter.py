"""What `--exposure auto` finds, of clips that were filmed with shutters that are known.

::

    python -m benchmarks.shutter --clips 10 --save benchmarks/results/shutter.json
    python -m benchmarks.shutter --film billiard-htr-240fps.mkv

Clips of the suite at 256 x 256, of eight times the rate, and what a fast camera filmed: a frame is
the mean of the first 8, 4, 2 or 1 of eight. Of four times the rate are random rotors (see
benchmarks.rotors), and things in motion as priors are taught on, at 72 x 72 pixels.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import click
import imageio.v3 as iio
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks import published, rotors  # noqa: E402
from deeptsr.config import preset  # noqa: E402
from deeptsr.imaging.exposure import expose  # noqa: E402
from deeptsr.learning.rendering.clips import render as render_things  # noqa: E402
from deeptsr.learning.strategy.shutter import share_of  # noqa: E402
from examples.render_clips import CLIPS  # noqa: E402
from examples.render_clips import render as render_clip  # noqa: E402

SHARES = {"open all the time": 1.0, "1/2": 0.5, "1/4": 0.25, "1/8": 0.125}
_FACTOR, _FRAMES, _SIDE = 8, 24, 256
_FEWER, _FEWER_FRAMES = 4, 16  # the same of random clips
_OPEN = 0.7  # share from which on a shutter counts as open


def of_suite() -> Iterator[tuple[str, Tensor]]:
    """Clips of eight times the rate, by name."""
    for name in CLIPS:
        _, fine = render_clip(name, size=_SIDE, factor=_FACTOR)
        yield name, torch.from_numpy(fine)[: _FRAMES * _FACTOR]


def of_film(path: Path) -> Iterator[tuple[str, Tensor]]:
    """What a fast camera filmed."""
    frames = islice(iio.imiter(path), _FRAMES * _FACTOR)
    yield path.stem, torch.stack([torch.from_numpy(f.copy()) for f in frames]).float() / 255


def of_things(seed: int, share: float) -> Tensor:
    """Random things in motion, as a slow camera sees them."""
    fine = render_things(seed, "leaves", frames=_FEWER * _FEWER_FRAMES).frames.float()
    return expose(fine, _FEWER, share)


def of_rotors(kind: str, seed: int, share: float) -> Tensor:
    """A random rotor, as a slow camera sees it."""
    return rotors.render(seed, kind, share).clip


def told(clip: Tensor) -> float:
    """What is found of a clip, volume (T, H, W, 3)."""
    return share_of(iter(clip), len(clip), preset("fast"))


@click.command(help="Tell what is found of shutters that are known.")
@click.option("--clips", default=10, show_default=True, help="Random clips of each kind.")
@click.option("--first", default=20_000, show_default=True, help="Seed of the first of them.")
@click.option(
    "--film",
    "films",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Of a fast camera; may be given often.",
)
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also keep the figures, for benchmarks.document.",
)
def main(clips: int, first: int, films: tuple[Path, ...], save: Path | None) -> None:
    """Print a row for each clip, and one for each kind of random ones."""
    torch.set_num_threads(1)
    rows: dict[str, dict[str, published.Cell]] = {}
    for source in (of_suite(), *map(of_film, films)):
        for name, fine in source:
            rows[name] = {
                head: f"{told(expose(fine, _FACTOR, share)):.2f}" for head, share in SHARES.items()
            }
            click.echo(f"{name}: {rows[name]}")
    kinds: dict[str, Callable[[int, float], Tensor]] = {"random things in motion": of_things}
    kinds |= {f"random rotors, {kind}": partial(of_rotors, kind) for kind in rotors.KINDS}
    for name, film in kinds.items() if clips else ():
        rows[name] = {}
        for head, share in SHARES.items():
            if share * _FEWER < 1:
                rows[name][head] = None
                continue
            found = [told(film(first + n, share)) for n in range(clips)]
            right = sum((each >= _OPEN) == (share >= _OPEN) for each in found)
            rows[name][head] = f"{right} of {clips} told right"
        click.echo(f"{name}: {rows[name]}")
    if save is not None:
        columns = dict.fromkeys(SHARES, "")
        published.save(save, row="clip", columns=columns, rows=rows, seeds=[])


if __name__ == "__main__":
    main()
