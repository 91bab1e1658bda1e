"""The small films of a page."""

import io

import av
import numpy as np
import pytest

from deeptsr.video.ffmpeg.preview import PREVIEW_RATE, encode_preview


def decoded(data):
    with av.open(io.BytesIO(data)) as container:
        return [(f.time, f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]


def test_every_frame_comes_back_at_its_moment():
    frames = np.zeros((30, 32, 64, 3), np.uint8)
    for index, frame in enumerate(frames):
        frame[:] = 8 * index
    found = decoded(encode_preview(iter(frames), (64, 32), 1_000_000))
    assert [time for time, _ in found] == pytest.approx([i / PREVIEW_RATE for i in range(30)])
    assert np.abs(np.stack([f for _, f in found]).mean((1, 2, 3)) - 8 * np.arange(30)).max() < 3


def test_colours_stay():
    frame = np.zeros((32, 64, 3), np.uint8)
    frame[:, :32], frame[:, 32:] = (200, 40, 30), (20, 90, 180)
    ((_, found),) = decoded(encode_preview([frame], (64, 32), 1_000_000))
    assert np.abs(found[4:28, 4:28].mean((0, 1)) - (200, 40, 30)).max() < 4
    assert np.abs(found[4:28, 36:60].mean((0, 1)) - (20, 90, 180)).max() < 4


def test_quality_gives_way_to_the_limit():
    def noise():
        rng = np.random.default_rng(0)
        return (rng.integers(0, 256, (96, 128, 3), dtype=np.uint8) for _ in range(30))

    free = len(encode_preview(noise(), (128, 96), 100_000_000))
    film = encode_preview(noise(), (128, 96), free // 2)
    assert len(film) <= free // 2
    assert len(decoded(film)) == 30
