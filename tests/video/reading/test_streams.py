"""Several video streams in a file: the one that players show is used, and the others are named."""

import numpy as np
import pytest

from deeptsr.errors import InputError
from deeptsr.video import contents, probe, read
from tests.helpers.clips import clip, ffmpeg


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streams")
    small = ("-c:v", "libx264", "-preset", "ultrafast")
    thumb = ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p")
    return {
        "real": clip(folder / "real.mp4", *small, size="64x48", rate="25", frames=20),
        "large": clip(folder / "large.mp4", *small, size="96x64", rate="25", frames=20),
        "long": clip(folder / "long.mp4", *small, size="64x48", rate="25", frames=50),
        "thumb": clip(folder / "thumb.mov", *thumb, size="128x96", rate="25", frames=1),
    }


@pytest.mark.parametrize("name", ["s.mov", "s.mkv"])
@pytest.mark.parametrize(
    ("order", "default", "used"),
    [
        (("thumb", "real"), None, 1),
        (("real", "thumb"), None, 0),
        (("thumb", "real"), 0, 1),  # whatever it says: a single picture is no video
        (("real", "large"), None, 1),
        (("real", "large"), 0, 0),
        (("large", "real"), 1, 1),
        (("large", "long"), None, 1),  # the other is much shorter
        (("real", "real"), None, 0),
    ],
)
def test_what_players_show_is_used(tmp_path, parts, name, order, default, used):
    if (name, order, default) == ("s.mov", ("real", "large"), None):
        pytest.skip("FFmpeg marks a track of every MOV")
    inputs = [word for part in order for word in ("-i", parts[part])]
    maps = [word for n in range(len(order)) for word in ("-map", n)]
    flags = [
        word
        for n in range(len(order))
        for word in (f"-disposition:v:{n}", "default" if default == n else "0")
    ]
    path = tmp_path / name
    ffmpeg(*inputs, *maps, "-c", "copy", *flags, path)
    info = probe(path)
    assert info.stream == used
    truth = probe(parts[order[used]])
    assert (info.width, info.height, info.frames) == (truth.width, truth.height, truth.frames)
    assert np.array_equal(next(iter(read(info))), next(iter(read(truth))))
    assert any(f"number {used} is used, and {1 - used}" in note for note in info.notes)
    assert len(contents(info).others) == 1

    other = probe(path, video_stream=1 - used) if order[1 - used] != "thumb" else None
    assert other is None or other.stream == 1 - used


def test_a_stream_that_is_not_there_is_refused(parts):
    assert not any("video streams" in note for note in probe(parts["real"]).notes)
    with pytest.raises(InputError, match=r"`video_stream` is 1 and .* has 1 of video"):
        probe(parts["real"], video_stream=1)
