"""Broken files by the hundred: an error in words, or the frames that were promised.

And no lies: where ffmpeg, or a checksum in the file, finds that pictures differ from what was
recorded, it is said.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deeptsr.errors import InputError
from deeptsr.events import Planned
from deeptsr.jobs import upscale
from deeptsr.pyramid.stage import FittedStage
from tests.helpers.clips import clip, errors_of, timestamps
from tests.helpers.synth import tiny

HASHED = ("-c:v", "libx265", "-x265-params", "hash=1:log-level=none")  # checksums of pictures
ENDINGS = (".mp4", ".mkv", ".gif", ".png", ".txt", ".ts", ".wav", "")
SOURCES = {
    "a.mp4": (),
    "b.mp4": ("-preset", "medium", "-movflags", "+faststart"),
    "a.mkv": ("-c:v", "ffv1"),
    "b.mkv": HASHED,
    "a.webm": ("-c:v", "libvpx-vp9", "-cpu-used", 8),
    "a.avi": ("-c:v", "mjpeg"),
    "a.mov": ("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"),
    "a.ts": ("-c:v", "mpeg2video"),
    "a.gif": ("-pix_fmt", "rgb8"),
}

CHECKED = ("a.mkv", "b.mkv")  # any other picture is found out
# Runs apart: what crashes or hangs must not take the tests along. It damages a file in every way
# and tells a line for each: how many frames came out of how many promised, or "refused"; whether
# damage was said; and whether the pictures are those of the whole file. Flipped files are kept.
WORKER = """
import sys
from pathlib import Path
import numpy as np
from deeptsr.errors import InputError
from deeptsr.video import probe, read

source, scratch, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
whole = source.read_bytes()
random = np.random.default_rng(0)

truth = np.stack(list(read(probe(source))))

def attempt(data, name, way):
    path = scratch / name
    path.write_bytes(data)
    try:
        info = probe(path)
        notes = [*info.notes]
        frames = list(read(info, notes=notes))
    except InputError as error:
        assert len(str(error)) > 20 and ";" in str(error), str(error)
        print(way, "refused")
    else:
        shapes = {frame.shape for frame in frames}
        assert shapes == {(info.height, info.width, 3)}, shapes
        assert all(np.isfinite(f).all() and 0 <= f.min() <= f.max() <= 1 for f in frames)
        noted = any("damaged" in n or "missing" in n for n in notes)
        same = len(frames) == len(truth) and np.array_equal(frames, truth)
        print(way, info.frames, len(frames), noted, same)
    if way != "flip":
        path.unlink()

for share in np.linspace(0.01, 0.99, count):
    attempt(whole[: int(len(whole) * share)], "cut" + source.suffix, "cut")
for n in range(count):
    data = np.frombuffer(whole, np.uint8).copy()
    places = random.integers(0, len(data), random.integers(1, 20))
    data[places] ^= 1 << random.integers(0, 8, len(places)).astype(np.uint8)
    attempt(data.tobytes(), f"flip{n}{source.suffix}", "flip")
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
        cwd=Path(__file__).parents[2],
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
            assert rest[1:] == ["False", "True"]
    renamed = [promised for way, promised, *_ in told if way == "renamed"]
    assert renamed.count("10") >= len(ENDINGS) - 1, renamed

    flipped = [rest for way, *rest in told if way == "flip"]
    quiet = [n for n, rest in enumerate(flipped) if rest[2:] == ["False", "False"]]
    assert len(quiet) < 16
    if name in CHECKED:
        assert not quiet, quiet
    lies = [n for n in quiet if errors_of(scratch / f"flip{n}{path.suffix}")]
    assert not lies, lies


@pytest.mark.parametrize(
    ("name", "made", "options"),
    [
        ("a.ts", "o.mov", ("-c:v", "mpeg2video", "-c:a", "mp2")),
        ("a.mkv", "o.mp4", ("-c:a", "aac")),
        ("a.avi", "o.mkv", ("-c:v", "mjpeg", "-c:a", "libmp3lame")),
    ],
)
def test_a_whole_run_of_damaged_picture_and_sound(tmp_path, monkeypatch, name, made, options):
    monkeypatch.setattr(
        upscale, "fit_job", lambda job, *_: (job, tuple(FittedStage(s, None) for s in job.stages))
    )
    path = clip(tmp_path / name, *options, size="32x24", rate="25", frames=10, sound=0.4)
    whole, random, done = np.frombuffer(path.read_bytes(), np.uint8), np.random.default_rng(0), 0
    for number in range(6):
        data, place = whole.copy(), int(random.integers(0, len(whole)))
        data[place : place + 200] = random.integers(0, 256, len(data[place : place + 200]))
        path.write_bytes(data.tobytes())
        out, told = tmp_path / f"{number}{made}", []
        try:
            upscale.upscale_file(path, out, tiny(2), told.append)
        except InputError:
            assert not out.exists()
            continue
        planned = next(event for event in told if isinstance(event, Planned))
        assert len(timestamps(out)) == 2 * planned.frames_in
        assert not errors_of(out)
        done += 1
    assert done > 2
