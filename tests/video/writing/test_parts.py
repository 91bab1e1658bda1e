"""The finished parts of an output: what is kept, and when it is trusted."""

import os
from fractions import Fraction

import numpy as np
import pytest

from deeptsr.config import EncodeSettings
from deeptsr.imaging.timeline import Timeline
from deeptsr.video import VideoWriter, probe
from deeptsr.video.writing.packet_file import read_packets
from deeptsr.video.writing.parts import Parts, remove_parts
from tests.helpers.clips import clip, decode, noise, timestamps

NTSC = Fraction(24000, 1001)
LINE = '{"frames": 5, "delay": 0, "size": 0, "digest": ""}'


def with_parts(folder, *sizes):
    parts = Parts(folder)
    for size in sizes:
        parts.open.write_bytes(bytes(range(size)))
        parts.add(size, delay=1)
    return parts


def test_parts_are_found_again(tmp_path):
    one = with_parts(tmp_path, 5, 7)
    again = Parts(tmp_path)
    assert again.done == one.done
    assert [part.frames for part in again.done] == [5, 7]
    assert again.frames == 12
    assert again.file(1).read_bytes() == bytes(range(7))
    with_parts(tmp_path, 2)
    assert Parts(tmp_path).frames == 14


def test_what_is_not_in_the_list_does_not_count(tmp_path):
    with_parts(tmp_path, 5)
    (tmp_path / "part.open").write_bytes(b"half")
    (tmp_path / "part-000002").write_bytes(b"killed before it was listed")
    assert Parts(tmp_path).frames == 5
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "part-000001",
        "part-000002",
        "parts.jsonl",
    ]
    with_parts(tmp_path, 3)
    assert Parts(tmp_path).file(1).read_bytes() == bytes(range(3))


@pytest.mark.parametrize(
    ("damage", "left"),
    [
        (lambda f: (f / "parts.jsonl").write_text((f / "parts.jsonl").read_text()[:-3]), 12),
        (lambda f: (f / "parts.jsonl").write_text("nonsense"), 0),
        (lambda f: (f / "parts.jsonl").write_text('{"a":' * 90000), 0),
        (lambda f: (f / "parts.jsonl").write_text(LINE.replace("5", '"x"')), 0),
        (lambda f: (f / "parts.jsonl").write_text(LINE.replace("5", "-5")), 0),
        (lambda f: (f / "parts.jsonl").write_text(LINE.replace('""', "[1]")), 0),
        (lambda f: (f / "parts.jsonl").write_bytes(b"\xff\0[1]"), 0),
        (lambda f: (f / "parts.jsonl").unlink(), 0),
        (lambda f: (f / "part-000002").unlink(), 5),
        (lambda f: (f / "part-000001").write_bytes(b""), 0),
        (lambda f: (f / "part-000003").write_bytes(b"\0" * 3), 12),
    ],
)
def test_only_whole_parts_are_trusted(tmp_path, damage, left):
    with_parts(tmp_path, 5, 7, 3)
    damage(tmp_path)
    assert Parts(tmp_path).frames == left
    with_parts(tmp_path, 4)
    assert Parts(tmp_path).frames == left + 4


def test_removing_leaves_what_is_not_a_part(tmp_path):
    with_parts(tmp_path, 5, 7)
    (tmp_path / "run.json").touch()
    remove_parts(tmp_path)
    assert os.listdir(tmp_path) == ["run.json"]


# --- a writer that goes on ---


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return probe(clip(tmp_path_factory.mktemp("source") / "s.mkv", frames=6))


def write(output, frames, source, scratch, *, rate=NTSC, cuts=(4, 8, 12), stop=None, **settings):
    """Write what is missing, in parts, up to a frame; None: to the end. Return the start."""
    scratch.mkdir(exist_ok=True)
    with VideoWriter(
        output,
        size=(frames.shape[2], frames.shape[1]),
        timeline=Timeline.constant(rate, len(frames)),
        source=source,
        settings=EncodeSettings(**settings),
        scratch=scratch,
    ) as writer:
        start = writer.count
        for frame in frames[start:stop]:
            writer.write(frame[None].astype(np.float32) / np.float32(255))
            if writer.count in cuts:
                writer.cut()
        if stop is None:
            writer.finish()
    return start


OUTPUTS = [
    ("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "libx264"), ("a.mkv", "libx265"),
    ("a.mkv", "ffv1"), ("a.mov", "prores_ks"), ("a.webm", "libvpx-vp9"), ("a.mp4", "libsvtav1"),
    ("a.mkv", "mpeg4"), ("a.gif", None), ("out/", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "codec"), OUTPUTS)
def test_a_writer_goes_on_to_the_same_file(tmp_path, source, name, codec):
    frames, rate = noise(14, 48, 64), Fraction(25)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    outputs = [f"{folder}/{name}" for folder in (whole, broken)]
    for folder in (whole, broken):
        folder.mkdir()
    write(outputs[0], frames, source, whole / "work", rate=rate, codec=codec)
    starts = [
        write(outputs[1], frames, source, broken / "work", rate=rate, stop=stop, codec=codec)
        for stop in (3, 6, 14, None)
    ]
    assert starts == [0, 0, 4, 12]
    if name == "out/":
        assert sorted(os.listdir(outputs[0])) == sorted(os.listdir(outputs[1]))
    else:
        times = timestamps(broken / name)
        tick = Fraction(1, 1000)
        assert all(abs(t - times[0] - i / rate) <= tick for i, t in enumerate(times))
        assert len(times) == 14
    assert sorted(os.listdir(broken)) == sorted([name.strip("/"), "work"])
    files = sorted(whole.rglob("*.png")) or [whole / name]
    assert all(f.read_bytes() == (broken / f.relative_to(whole)).read_bytes() for f in files)


def test_reordered_frames_stay_in_order_over_the_joints(tmp_path, source):
    ramp = np.arange(40, dtype=np.uint8)[:, None, None, None] * np.uint8(6)
    frames = np.broadcast_to(ramp, (40, 48, 64, 3))
    work = tmp_path / "work"
    write(tmp_path / "a.mp4", frames, source, work, cuts=(13, 14, 29), codec="libx264")
    parts = Parts(work)
    assert [part.frames for part in parts.done] == [13, 1, 15, 11]
    assert max(part.delay for part in parts.done) > 0  # else this tests nothing
    assert [p.is_keyframe for p in read_packets(parts.file(2))][:2] == [True, False]
    means = decode(tmp_path / "a.mp4", "gray", (64, 48)).mean((1, 2))
    assert np.abs(means - ramp.ravel()).max() < 3
    assert timestamps(tmp_path / "a.mp4") == [i / NTSC for i in range(40)]


def test_images_that_vanished_are_written_anew(tmp_path, source):
    frames, work, out = noise(14, 9, 7), tmp_path / "work", f"{tmp_path}/out/"
    write(out, frames, source, work, stop=10)
    (tmp_path / ".out.part" / "000006.png").unlink()
    assert write(out, frames, source, work) == 4
    assert len(os.listdir(out)) == 14
