"""Inputs and outputs of any name, and what of ours lies beside or in them."""

import os
import shutil
from dataclasses import replace

import pytest

from deeptsr.errors import OutputError
from deeptsr.events import Progress, Warned
from deeptsr.jobs import upscale
from deeptsr.jobs.upscale import upscale_file
from deeptsr.jobs.work_folder import identity
from deeptsr.learning import checkpoints
from deeptsr.pyramid.stage import FittedStage
from deeptsr.system import lock
from deeptsr.video import probe
from tests.helpers.clips import clip, ffmpeg
from tests.helpers.synth import FIT, tiny

LATIN = os.fsdecode(b"caf\xe9")  # no UTF-8


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(
        upscale, "fit_job", lambda job, *_: (job, tuple(FittedStage(s, None) for s in job.stages))
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return clip(tmp_path_factory.mktemp("names") / "s.mp4", rate="25", frames=6)


def left(folder):
    """What lies in a folder, hidden or not."""
    return sorted(path.name for path in folder.iterdir())


NAMES = [
    f"{LATIN}.mp4",
    "n" * 251 + ".mp4",
    "n" * 243 + ".mp4",
    "\u4e2d" * 82 + ".mkv",
    "100%done.mp4",
    "%d.mp4",
    "a%05d.mkv",
    "-o.mp4",
    " .mp4",
    "a:b?.webm",
    "new\nline.mp4",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_any_name(quick, tmp_path, source, name):
    there = tmp_path / "in"
    there.mkdir()
    given = there / name
    shutil.copy(source, given)
    upscale_file(given, tmp_path / "o.mp4", tiny(2))
    upscale_file(source, given.with_name(f"{given.stem[:-1]}2{given.suffix}"), tiny(2))
    assert len(left(there)) == 2
    assert probe(tmp_path / "o.mp4").frames == 12
    assert left(tmp_path) == ["in", "o.mp4"]


@pytest.mark.parametrize("made", [True, False])
@pytest.mark.parametrize("name", ["%05d.png", "a%%b_%d.png", "frame %03d.png"])
def test_a_pattern_names_the_images_of_a_folder(quick, tmp_path, source, made, name):
    folder = tmp_path / "frames"
    if made:
        folder.mkdir()
    output = str(folder / name)
    upscale_file(source, output, tiny(2))
    assert left(folder) == sorted(name % n for n in range(1, 13))
    assert left(tmp_path) == ["frames"]
    with pytest.raises(OutputError, match="holds 12 images"):
        upscale_file(source, output, tiny(2))


@pytest.mark.parametrize("name", ["x_%_%04d.png", "50% %04d.png", "%d_%d.png", "%s%04d.png"])
def test_a_pattern_that_makes_no_numbers_is_refused_at_once(tmp_path, name):
    with pytest.raises(OutputError, match=r"expected one number and \.png"):
        upscale_file(tmp_path / "missing.mp4", tmp_path / name, tiny(2))


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_followed(quick, tmp_path, source, exists):
    (tmp_path / "disk").mkdir()
    real, link = tmp_path / "disk" / "real.mp4", tmp_path / "o.mp4"
    if exists:
        real.write_bytes(b"old")
    link.symlink_to(real)
    told = []
    options = tiny(2)
    if exists:
        with pytest.raises(OutputError, match="exists"):
            upscale_file(source, link, options)
        real.unlink()
    upscale_file(source, link, options, told.append)
    assert link.is_symlink()
    assert probe(real).frames == 12
    assert left(tmp_path) == ["disk", "o.mp4"]
    assert left(tmp_path / "disk") == ["real.mp4"]
    assert any("is a symbolic link" in event.message for event in told if isinstance(event, Warned))


def test_a_link_to_a_folder_is_followed(quick, tmp_path, source):
    (tmp_path / "real").mkdir()
    (tmp_path / "frames").symlink_to("real")
    upscale_file(source, f"{tmp_path}/frames/%d.png", tiny(2))
    assert (tmp_path / "frames").is_symlink()
    assert len(left(tmp_path / "real")) == 12


def test_what_else_lies_in_a_folder_of_images_is_none_of_the_input(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=32x32:d=0.2", folder / "%d.png")
    device = upscale.torch.device("cpu")
    before = identity(folder, tiny(), device)
    for other in (".o.mp4.lock", "o.mp4", "log.txt"):
        (folder / other).write_text("ours")
    assert identity(folder, tiny(), device) == before
    (folder / "1.png").write_bytes(b"another")
    assert identity(folder, tiny(), device) != before


@pytest.mark.parametrize("inside", [True, False])
def test_an_output_in_the_folder_of_images_is_resumed(tmp_path, monkeypatch, inside):
    monkeypatch.setattr(checkpoints, "_INTERVAL", 0.0)
    folder = tmp_path / "d"
    folder.mkdir()
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=48x34:r=25:d=0.48", folder / "%02d.png")
    output = (folder if inside else tmp_path) / "o.mp4"
    options = tiny(4, fit=replace(FIT, finetune_steps=4))

    def interrupt(event):
        if isinstance(event, Progress) and list(output.parent.rglob("stage-2.begun.pt")):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upscale_file(folder, output, options, interrupt)
    told = []
    upscale_file(folder, output, options, told.append)
    steps = [e.detail for e in told if isinstance(e, Progress) and "step" in e.detail]
    assert steps
    assert all(step.startswith("stage 2 of 2") for step in steps)
    assert not any("another run" in e.message for e in told if isinstance(e, Warned))
    assert probe(output).frames == 48
    assert len(left(folder)) == 12 + inside  # and nothing hidden


def test_a_share_without_locks(quick, tmp_path, source, monkeypatch):
    def refuse(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    told = []
    upscale_file(source, tmp_path / "o.mp4", tiny(2), told.append)
    assert left(tmp_path) == ["o.mp4"]
    assert any("has no locks" in event.message for event in told if isinstance(event, Warned))
