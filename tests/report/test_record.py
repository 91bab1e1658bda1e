"""The record of a run: what it keeps, and what it refuses."""

import json
import os
from dataclasses import replace

import pytest

from deeptsr.config import Options
from deeptsr.errors import InputError, OutputError, ResourceError
from deeptsr.events import Done, Progress, StageFitted
from deeptsr.report import Record, Recorder
from deeptsr.report.charts import curves, parts
from tests.helpers.finished import finished
from tests.helpers.full_disk import full


def test_a_record_reads_back_as_it_was_written(tmp_path):
    record = finished(tmp_path).record()
    record.save(tmp_path)
    read = Record.load(tmp_path)
    assert json.dumps(vars(read)) == json.dumps(vars(record))
    assert not list(tmp_path.glob("*.part"))


def test_a_record_on_a_full_disk_is_told_and_the_last_one_stays(tmp_path, monkeypatch):
    record = finished(tmp_path).record()
    record.save(tmp_path)
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ResourceError, match="is full"):
        replace(record, output="another").save(tmp_path)
    assert json.dumps(vars(Record.load(tmp_path))) == json.dumps(vars(record))
    assert not list(tmp_path.glob("*.part"))


def test_of_progress_only_the_changes_of_phase_are_kept(tmp_path):
    events = finished(tmp_path).record().of(Progress)
    assert [event["phase"] for event in events] == ["read", "fit", "render", "finish"]


def test_a_recorder_passes_every_event_on(tmp_path):
    heard = []
    recorder = Recorder("a", "b.mp4", Options(), heard.append)
    for event in (Progress(0.0, "fit", ""), Progress(0.5, "fit", "")):
        recorder(event)
    assert len(heard) == 2


def test_a_run_that_is_not_done_has_no_record(tmp_path):
    with pytest.raises(InputError, match="not done"):
        Recorder(tmp_path / "a.mp4", tmp_path / "b.mp4", Options()).record()


def test_a_result_that_is_gone_has_no_record(tmp_path):
    recorder = Recorder(tmp_path / "a.mp4", tmp_path / "b.mp4", Options())
    recorder(Done("b.mp4", 8, "60", 1.0))
    with pytest.raises(InputError, match=r"a\.mp4"):
        recorder.record()


DEEP = '{"a":' * 90000


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1}', "\0", DEEP])
def test_a_record_that_cannot_be_understood_is_refused(tmp_path, text):
    (tmp_path / "record.json").write_text(text)
    with pytest.raises(InputError, match="run it again"):
        Record.load(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        *({"began": 5}, {"began": ""}, {"source": [1]}, {"prints": []}, {"prints": {"input": 1}}),
        *({"options": 7}, {"options": {}}, {"events": "x"}, {"events": [1]}, {"events": []}),
        *({"versions": {"torch": 1}}, {"command": None}, {"events": [{"event": [], "at": 0}]}),
    ],
)
def test_a_record_of_other_kinds_of_facts_is_refused(tmp_path, damage):
    finished(tmp_path).record().save(tmp_path)
    path = tmp_path / "record.json"
    assert Record.load(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    with pytest.raises(InputError, match="cannot be understood"):
        Record.load(tmp_path)


def test_a_folder_without_a_record_is_refused(tmp_path):
    with pytest.raises(InputError, match="`work_dir`"):
        Record.load(tmp_path)


def test_a_record_that_cannot_be_written(tmp_path):
    with pytest.raises(OutputError, match="choose another place"):
        finished(tmp_path).record().save(tmp_path / "nowhere")


@pytest.mark.parametrize(("file", "option"), [("in.mkv", "--input"), ("out.mkv", "--result")])
def test_files_that_changed_or_went_are_found_out(tmp_path, file, option):
    record = finished(tmp_path).record()
    record.check()
    whole = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(whole + b"x")
    with pytest.raises(InputError, match=f"changed.*{option}"):
        record.check()
    (tmp_path / file).unlink()
    with pytest.raises(InputError, match=f"cannot be read.*{option}"):
        record.check()


def test_files_that_were_moved_are_found_where_they_are_said_to_be(tmp_path):
    record = finished(tmp_path).record()
    (tmp_path / "there").mkdir()
    for name in ("in.mkv", "out.mkv"):
        (tmp_path / name).rename(tmp_path / "there" / name)
    record.moved(tmp_path / "there" / "in.mkv", tmp_path / "there" / "out.mkv").check()


def test_the_parts_of_a_run_take_all_of_its_time(tmp_path):
    record = finished(tmp_path).record()
    found = parts(record)
    assert [part.name for part in found] == [
        "reading", "fitting stage 1", "self-check", "rendering", "finishing the file",
    ]  # fmt: skip
    assert sum(part.seconds for part in found) == pytest.approx(record.events[-1]["at"])
    assert sum(part.share for part in found) == pytest.approx(100, abs=0.1)
    # One second from event to event, the second Progress of a phase among them.
    assert [part.seconds for part in found][1:] == [1, 1, 2, 1]


def test_measuring_the_machine_for_a_budget_is_a_part_of_its_own(tmp_path):
    record = finished(tmp_path).record()
    budgeted = {"at": record.events[0]["at"] + 0.5, "event": "Budgeted"}
    events = (record.events[0], budgeted, *record.events[1:])
    found = parts(replace(record, events=events))
    assert [part.name for part in found][:3] == [
        "measuring the machine", "reading", "fitting stage 1",
    ]  # fmt: skip
    assert sum(part.seconds for part in found) == pytest.approx(record.events[-1]["at"])


def test_a_stage_of_an_earlier_run_takes_no_time_of_this_one(tmp_path):
    record = finished(tmp_path).record()
    record.of(StageFitted)[0]["seconds"] = 1000.0
    stage = parts(record)[1]
    assert stage.note == "from an earlier run"
    assert stage.seconds < 10


def test_a_curve_by_hand(tmp_path):
    (curve,) = curves(finished(tmp_path).record())
    assert [piece.name for piece in curve.pieces] == ["given mix", "round 1"]
    first, second = (
        [tuple(map(float, point.split(","))) for point in piece.points.split()]
        for piece in curve.pieces
    )
    assert first[1] == second[0]  # the second fit goes on from the first one's end
    assert first[0][1] == curve.zero  # 0 dB
    assert second[1] == curve.kept  # 3 dB, the gain of the stage
    assert first[1][1] == pytest.approx((curve.zero + second[1][1]) / 2, abs=0.1)  # 1.5 dB
    assert first[1][0] == pytest.approx((first[0][0] + second[1][0]) / 2, abs=0.1)  # step 50 of 100


def _without(event, name):
    return {key: value for key, value in event.items() if key != name}


@pytest.mark.parametrize(
    "damage",
    [
        lambda event: _without(event, "seconds"),
        lambda event: event | {"seconds": None},
        lambda event: event | {"seconds": float("nan")},
        lambda event: event | {"at": float("inf")},
        lambda event: event | {"at": 10**400},
        lambda event: event | {"seconds": 10**400},
    ],
)
@pytest.mark.parametrize("kind", ["Planned", "StageFitted", "Done"])
def test_an_event_that_no_run_tells_is_refused(tmp_path, kind, damage):
    record = finished(tmp_path).record()
    events = [damage(event) if event["event"] == kind else event for event in record.events]
    replace(record, events=tuple(events)).save(tmp_path)
    with pytest.raises(InputError, match="cannot be understood"):
        Record.load(tmp_path)


def test_a_curve_that_is_none_is_refused_and_what_is_not_known_is_passed_over(tmp_path):
    record = finished(tmp_path).record()
    later = {"event": "Later", "at": 1.0, "what": None}
    replace(record, events=(later, *record.events)).save(tmp_path)
    assert Record.load(tmp_path)
    events = [
        event | {"curve": [["a", "b", 1]]} if event["event"] == "StageFitted" else event
        for event in record.events
    ]
    replace(record, events=tuple(events)).save(tmp_path)
    with pytest.raises(InputError, match="event StageFitted is none that a run tells"):
        Record.load(tmp_path)


def test_a_pipe_in_the_place_of_a_record_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "record.json")
    with pytest.raises(InputError, match="it is no file"):
        Record.load(tmp_path)
