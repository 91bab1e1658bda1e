"""Writes a clip to each of some files, for tests of whether they come out the same again.

Run as ``python -m tests.helpers.encoded SOURCE FOLDER NAME,WIDTH,HEIGHT,DEPTH ...``, each time with
another content of memory that nobody has written yet (``MALLOC_PERTURB_``).
"""

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from deeptsr.config import EncodeSettings
from deeptsr.imaging.timeline import Timeline
from deeptsr.video import VideoWriter, probe

FRAMES = 40


def waves(width, height):
    """Moving waves with a little noise, as coders of real pictures see them."""
    draw = np.random.default_rng(1)
    y, x = np.mgrid[:height, :width]
    for t in range(FRAMES):
        z = np.sin((x - 3 * t) / 7) + np.sin((y + 2 * t) / 11) + np.sin((x + y - t) / 5)
        noise = draw.normal(0, 0.01, (height, width, 3))
        yield np.clip(0.5 + 0.16 * z[..., None] + noise, 0, 1).astype(np.float32)


def main(source, folder, *wanted):
    """Write them all."""
    source = probe(source)
    for text in wanted:
        name, *numbers = text.split(",")
        width, height, depth = map(int, numbers)
        with VideoWriter(
            Path(folder, f"{Path(name).stem}{width}-{depth}{Path(name).suffix}"),
            size=(width, height),
            timeline=Timeline.constant(Fraction(25), FRAMES),
            source=replace(source, depth=depth),
            settings=EncodeSettings(),
        ) as writer:
            for frame in waves(width, height):
                writer.write(frame[None])
            writer.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
