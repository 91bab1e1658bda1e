"""Whole runs beside other people's files: none of them is touched."""

import os
from dataclasses import replace

import pytest

from deeptsr.config import EncodeSettings
from deeptsr.errors import OutputError
from deeptsr.events import Progress, Warned
from deeptsr.jobs.upscale import upscale_file
from tests.helpers.clips import clip
from tests.helpers.synth import tiny

FOREIGN = {
    "run.json": '{"steps": 100}',
    "part-00000.parquet": "a table",
    "stage-raw.csv": "a list",
    "participants.tsv": "names",
    "lock": "a door",
}


@pytest.fixture
def source(tmp_path):
    return clip(tmp_path / "in.mkv", "-c:v", "ffv1", size="32x32", frames=8)


def test_a_work_dir_of_somebody_elses_files_is_refused_and_left_alone(tmp_path, source):
    folder = tmp_path / "theirs"
    folder.mkdir()
    for name, text in FOREIGN.items():
        (folder / name).write_text(text)
    with pytest.raises(OutputError, match="give another `work_dir`"):
        upscale_file(source, tmp_path / "o.mp4", tiny(work_dir=str(folder)))
    assert {p.name: p.read_text() for p in folder.iterdir()} == FOREIGN
    assert sorted(os.listdir(tmp_path)) == ["in.mkv", "theirs"]


@pytest.mark.parametrize("name", ["o.mp4", "o/"])
def test_what_appears_at_the_end_is_respected_and_the_work_is_kept(tmp_path, source, name):
    out = tmp_path / name
    mine = out / "mine.png" if name.endswith("/") else out

    def appear(event):
        if isinstance(event, Progress) and event.phase == "finish":
            mine.parent.mkdir(exist_ok=True)
            mine.write_bytes(b"mine")

    with pytest.raises(OutputError, match="appeared while the work went on"):
        upscale_file(source, f"{tmp_path}/{name}", tiny(), appear)
    assert mine.read_bytes() == b"mine"
    told = []
    if not out.is_dir():
        options = replace(tiny(), encode=EncodeSettings(overwrite=True))
        upscale_file(source, out, options, told.append)
        assert out.stat().st_size > 4
        assert not any(isinstance(e, Progress) and "step" in e.detail for e in told)


@pytest.mark.parametrize("changes", [True, False])
def test_an_input_that_changes_under_a_run_is_told(tmp_path, source, changes):
    told = []

    def change(event):
        told.append(event)
        if changes and isinstance(event, Progress) and event.phase == "finish":
            data = bytearray(source.read_bytes())
            data[len(data) // 2] ^= 1
            source.write_bytes(data)

    upscale_file(source, tmp_path / "o.mkv", tiny(), change)
    assert any("changed while" in e.message for e in told if isinstance(e, Warned)) == changes
