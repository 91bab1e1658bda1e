"""The border: files that are broken in all sorts of ways, for half a minute; in CI for a whole one.

No crash, no hang, no error but deeptsr's own, and no file touched but those of the job. For longer:
``DEEPTSR_FUZZ_SECONDS=3600 pytest tests/test_fuzz.py``, with other examples each time.
"""

import hashlib
import json
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.clips import clip

ROOT = Path(__file__).parents[1]
SECONDS = {"containers": 9, "pictures": 4, "texts": 3, "kept": 8}
IN_CI = 2.5  # times as long
FILMS = {
    "a.mp4": ("-c:v", "libx264", "-c:a", "aac"),
    "a.mkv": ("-c:v", "ffv1"),
    "a.avi": ("-c:v", "mjpeg", "-c:a", "mp3"),
    "a.ts": ("-c:v", "mpeg2video", "-c:a", "mp2"),
    "a.webm": ("-c:v", "libvpx-vp9"),
    "a.gif": ("-pix_fmt", "rgb8"),
}


def seen(folder):
    """All that can be seen of a tree: names, contents, times of change."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in sorted(folder.rglob("*"))
    }


def bystanders(folder):
    """Files of the kinds that the program writes, at names that it might come upon."""
    folder.mkdir()
    for name in ("run.json", "stage-0.pt", "part-000000", "out.mkv", ".out.mkv.part.mkv", "a.mp4"):
        (folder / name).write_text(name)
    (folder / "sub").mkdir()
    (folder / "sub" / "private.txt").write_text("mine")


def whole_files(folder, kind):
    """What is broken: made once for each kind."""
    if kind == "containers":
        for name, codecs in FILMS.items():
            sound = 0.3 if "-c:a" in codecs else 0
            clip(folder / name, *codecs, size="32x32", rate="25", frames=8, sound=sound)
    elif kind == "pictures":
        images = folder / "images"
        images.mkdir()
        ramp = np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3)
        for ending in ("png", "jpg", "tif", "webp", "bmp", "ppm"):
            Image.fromarray(ramp).save(images / f"a.{ending}")
        Image.fromarray(ramp[..., 0].astype(np.uint16) * 257).save(images / "deep.png")
        Image.fromarray(ramp).convert("P").save(images / "palette.png")
    elif kind == "texts":
        (folder / "cuts.txt").write_text("# scenes\n240\n30\n4.0\n0:10\n1:00.5\n")
        (folder / "list.txt").write_text("a.mp4\nsub/b.mkv\n../c.mov\n")
        entry = {"input": "a", "output": "b", "input_stamp": {"hash": "0", "look": "1"}}
        entry |= {"configuration_hash": "c", "state": "done", "attempts": 1, "seconds": 1.5}
        entry |= {"gain_db": 1.0, "output_stamp": None, "exit_code": 0, "error": None, "time": ""}
        (folder / "batch.jsonl").write_text(f"{json.dumps(entry)}\n" * 3)
    else:
        clip(folder / "a.mkv", "-c:v", "ffv1", size="32x32", rate="25", frames=8)
        bundled = resources.files("deeptsr.learning") / "priors" / "compact-16x6.safetensors"
        (folder / "prior.safetensors").write_bytes(bundled.read_bytes())


@pytest.mark.parametrize("kind", SECONDS)
def test_broken_files_are_refused_in_words(kind, tmp_path):
    usual = sum(SECONDS.values()) * (IN_CI if os.environ.get("CI") else 1)
    asked = float(os.environ.get("DEEPTSR_FUZZ_SECONDS", usual))
    seconds = asked * SECONDS[kind] / sum(SECONDS.values())
    work, beside = tmp_path / "work", tmp_path / "beside"
    work.mkdir()
    bystanders(beside)
    bystanders(work / "mine")
    whole_files(work, kind)
    before = seen(beside), seen(work / "mine"), sorted(tmp_path.iterdir())
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.helpers.fuzzed", kind, work, str(seconds)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds + 120,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    assert int(done.stdout.splitlines()[-1]) > 0  # examples
    assert before == (seen(beside), seen(work / "mine"), sorted(tmp_path.iterdir()))
