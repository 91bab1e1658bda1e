"""What every test needs around it, and every process that a test starts."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

# Before torch is loaded: the clips are tiny, and the other cores have tests of their own.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell lets what it starts in the background ignore Ctrl-C, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Before the package is loaded: where it is asked for, files that name shapes are checked for them.
if os.environ.get("DEEPTSR_SHAPES"):
    import jaxtyping

    ROOT = Path(__file__).resolve().parents[1]
    SHAPED = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "deeptsr").rglob("*.py")
        if "from deeptsr.imaging.shapes import" in path.read_text(encoding="utf-8")
    ]
    # A whole number is a number, as it is to mypy.
    CHECK = "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
    jaxtyping.install_import_hook(SHAPED, CHECK)


@pytest.fixture
def disk(tmp_path):
    """Mount a disk of so many bytes, again where it is mounted: only root may."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = []

    def mount(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if mounted:
            command = ["mount", "-o", f"remount,{options}", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
        mounted.append(options)
        return place

    if os.geteuid() or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    yield mount
    if mounted:
        subprocess.run(["umount", str(place)], check=True)
