"""Broken files by the hundred: an error in words, or exactly the frames that were promised."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.clips import clip

ENDINGS = (".mp4", ".mkv", ".gif", ".png", ".txt", ".ts", ".wav", "")
SOURCES = {
    "a.mp4": (),
    "b.mp4": ("-movflags", "+faststart"),
    "a.mkv": ("-c:v", "ffv1"),
    "a.webm": ("-c:v", "libvpx-vp9", "-cpu-used", 8),
    "a.avi": ("-c:v", "mjpeg"),
    "a.mov": ("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"),
    "a.ts": ("-c:v", "mpeg2video"),
    "a.gif": ("-pix_fmt", "rgb8"),
}

# Runs apart: what crashes or hangs must not take the tests along. It damages a file in every way
# and tells a line for each: how many frames came out of how many promised, or "refused".
WORKER = """
import sys
from pathlib import Path
import numpy as np
from deeptsr.errors import InputError
from deeptsr.io import probe, read

source, scratch, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
whole = source.read_bytes()
random = np.random.default_rng(0)

def attempt(data, name, way):
    path = scratch / name
    path.write_bytes(data)
    try:
        info = probe(path)
        frames = list(read(info))
    except InputError as error:
        assert len(str(error)) > 20 and ";" in str(error), str(error)
        print(way, "refused")
    else:
        shapes = {frame.shape for frame in frames}
        assert shapes == {(info.height, info.width, 3)}, shapes
        assert all(np.isfinite(f).all() and 0 <= f.min() <= f.max() <= 1 for f in frames)
        noted = any("cut off" in n or "damaged" in n or "missing" in n for n in info.notes)
        print(way, info.frames, len(frames), int(noted))
    path.unlink()

for share in np.linspace(0.01, 0.99, count):
    attempt(whole[: int(len(whole) * share)], "cut" + source.suffix, "cut")
for _ in range(count):
    data = np.frombuffer(whole, np.uint8).copy()
    places = random.integers(0, len(data), random.integers(1, 20))
    data[places] ^= 1 << random.integers(0, 8, len(places)).astype(np.uint8)
    attempt(data.tobytes(), "flip" + source.suffix, "flip")
for ending in sys.argv[4:]:
    attempt(whole, "renamed" + ending, "renamed")
"""


@pytest.mark.parametrize("name", SOURCES)
def test_a_broken_file_is_refused_or_read_as_promised(tmp_path, name):
    path = clip(tmp_path / name, *SOURCES[name], size="32x32", rate="25", frames=10)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WORKER, path, scratch, "16", *ENDINGS],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = [line.split() for line in done.stdout.splitlines()]
    assert len(told) == 16 + 16 + len(ENDINGS)
    for way, promised, *rest in told:
        if promised != "refused":
            assert promised == rest[0], (way, promised, rest)  # as many as were promised
        if way == "renamed" and promised != "refused":
            assert promised == "10"  # what a file is called does not matter
    renamed = [promised for way, promised, *_ in told if way == "renamed"]
    assert renamed.count("10") >= len(ENDINGS) - 1, renamed
