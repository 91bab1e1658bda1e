"""Started without some of its streams: by a daemon, a scheduler, a window."""

import subprocess
import sys

import pytest

from tests.helpers.clips import clip

RUN = f"exec {sys.executable} -m tests.helpers.tiny_cli"


@pytest.mark.parametrize(
    ("words", "closed", "code"),
    [
        ("upscale in.mp4 -o o.mp4 --factor 2 --preset fast", "2>&-", 0),
        ("upscale in.mp4 -o o.mp4 --factor 2 --preset fast", "0<&- >&- 2>&-", 0),
        ("upscale in.mp4 -o o.mp4 --factor 2 --preset fast --dry-run", "2>&-", 0),
        ("upscale in.mp4 -o o.mp4 --factor 2 --preset fast --dry-run", ">&-", 4),
        ("probe in.mp4 --preset fast", ">&-", 4),
        ("upscale in.mp4 -o - --factor 2 --preset fast", ">&-", 4),
        ("upscale - -o o.mp4", "0<&-", 3),
    ],
)
def test_closed_streams(tmp_path, words, closed, code):
    path = clip(tmp_path / "in.mp4", rate="25", frames=8)
    before = path.read_bytes()
    words = words.replace("in.mp4", str(path)).replace("o.mp4", str(tmp_path / "o.mp4"))
    done = subprocess.run(
        ["sh", "-c", f"{RUN} {words} {closed}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert "internal error" not in done.stderr
    assert path.read_bytes() == before
    if code == 3:
        assert "stdin is closed; expected a program before this one" in done.stderr
    elif code:
        assert "stdout cannot be written" in done.stderr
    elif "--dry-run" not in words:
        assert (tmp_path / "o.mp4").read_bytes()[4:8] == b"ftyp"
