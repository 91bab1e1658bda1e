"""The same frames make the same file, whatever lay in memory before, and no encoder dies."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deeptsr.video.encoding import faults
from deeptsr.video.encoding.faults import sound_options
from tests.helpers.clips import clip

ROOT = Path(__file__).parents[3]
WANTED = ("a.mp4,48,34,8", "a.mp4,97,65,8", "a.avi,96,64,8", "a.mkv,48,34,10")
WANTED += ("a.webm,48,34,8", "a.webm,64,64,10", "a.gif,48,34,8")


def test_every_default_codec_repeats_itself(tmp_path):
    source = clip(tmp_path / "source.mkv", "-c:a", "aac", frames=40, sound=1)
    folders = [tmp_path / "85", tmp_path / "200"]
    made = []
    for folder in folders:
        folder.mkdir()
        made.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.helpers.encoded", source, folder, *WANTED],
                cwd=ROOT,
                env=os.environ | {"MALLOC_PERTURB_": folder.name},
            )
        )
    assert [process.wait() for process in made] == [0, 0]
    one, other = ({file.name: file.read_bytes() for file in folder.iterdir()} for folder in folders)
    assert len(one) == len(WANTED)
    assert [name for name in one if one[name] != other[name]] == []


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [("fpu avx2 avx512f avx512bw", {"x264-params": "asm=avx2"}), ("fpu sse2 avx2", {}), (None, {})],
)
def test_only_processors_that_have_more_are_kept_to_avx2(tmp_path, monkeypatch, flags, wanted):
    file = tmp_path / "cpuinfo"
    if flags is not None:
        file.write_text(f"flags\t\t: {flags}\n")
    monkeypatch.setattr(faults, "_CPU", file)
    faults._has_avx512.cache_clear()
    try:
        assert sound_options("libx264", None) == wanted
        assert sound_options("libx265", (320, 200)) == {}
    finally:
        faults._has_avx512.cache_clear()


@pytest.mark.parametrize(("width", "plain"), [(32, False), (36, True), (48, True), (50, False)])
def test_small_pictures_are_not_left_to_the_assembler_of_x265(width, plain):
    assert sound_options("libx265", (width, 200)) == ({"x265-params": "no-asm=1"} if plain else {})
