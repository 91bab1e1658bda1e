"""Progress records and their one line of JSON."""

import dataclasses
import json

import pytest

from deeptsr import events
from deeptsr.events import (
    BatchDone,
    BatchPlanned,
    Budgeted,
    Done,
    Evaluated,
    Event,
    Examined,
    FitKept,
    FitReused,
    Inspected,
    MixProposed,
    Planned,
    Pretrained,
    Previewed,
    Probed,
    Progress,
    Reported,
    Scores,
    SelfChecked,
    Sharpened,
    StageFitted,
    Surveyed,
    Taught,
    TimeCorrected,
    VideoEnded,
    VideoProgress,
    VideoStarted,
    VideoWarned,
    Warned,
    ignore,
    to_json,
)

PLANNED = Planned(48, 384, 320, 180, "30", "240", ("S1 T1 -> T8",), "fast", "cpu", 1e12, 9.0, 1, 2)
RECORDS = [
    PLANNED,
    Probed(
        *("a.mp4", "QuickTime / MOV", 1234, "h264", "yuv420p", 8, 320, 180, 90, False, "1"),
        *("bt709", "tv", "bt709", "unknown", False, False, False, 48, "30", False, 1.6, 0.0),
        *(("aac",), (), (), 0, ("mind this",), (0, 48), (20,), (20,), (7, 9)),
        PLANNED,
    ),
    Budgeted(600.0, 580.0, "balanced", (400, 200), True),
    Progress(0.5, "fit", "stage 1 of 3: fitting, step 2 of 4"),
    StageFitted(
        1, 3, "S1/4 T1 -> T2", 2.5, 100, 1.5, "fitted", (0.6, 0.3, 0.1), (("fit", 0, 0.1),)
    ),
    SelfChecked(30.0, 28.0, 2.0, 6),
    MixProposed(0.0, 0.0, 1.0, "it pans"),
    Inspected(("heat.png",), 12.5, (0.6, 0.3, 0.1), "it turns", 3.0),
    Surveyed((30, 76)),
    Warned("ünusual\nthings"),
    Done("out.mp4", 384, "240", 12.0),
    Reported("report.html", 1_200_000),
    Examined(
        *((("torch", "2.9"),), "A processor", ("AVX2",), 8, 4, 10**10, None, (("A card", 10**10),)),
        *("cuda", "bfloat16", ("libx264",), ("libx265",), ("a.safetensors",), ".", 1e9, 10**12),
        *("10 s", (("fast", 60.0),), ("leave OMP_NUM_THREADS unset",)),
    ),
    Previewed("a.webm", 1.0, 3.0, 10.0, 320, 180, 60, 480, 0, 9.5, PLANNED),
    FitReused("camera.safetensors", ("S1/4 T1 -> T2", "S1/2 T2 -> T4"), 1),
    FitKept("camera.safetensors", 200_000),
    Taught("any/full-1", 250, 1.25, -0.5),
    TimeCorrected(1, 12.5),
    Sharpened(2, 1.5, "sharpened", share=0.9),
    Pretrained("prior.safetensors", 600_000, 3600.0),
    BatchPlanned(3, 1, "2 at a time", "out/batch.jsonl"),
    VideoStarted("a.mp4", "out/a.mp4", 1),
    VideoProgress("a.mp4", 0.5, "fitting", "cuda:0"),
    VideoWarned("a.mp4", "mind this"),
    VideoEnded("a.mp4", "out/a.mp4", "done", 1, 9.0, 2.5, None),
    BatchDone(2, 1, 0, 9.0),
    Evaluated(
        *("out.mp4", "truth.mp4", 2, 320, 180, "240"),
        (Scores("result", 30.0, 0.9, 29.0, 0.1, 80.0, None, None, (29.0, 31.0), (0.9, 0.9)),),
    ),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
def test_a_record_is_one_line_that_reads_back(record):
    line = to_json(record)
    assert "\n" not in line
    read = json.loads(line)
    assert read.pop("event") == type(record).__name__
    assert type(record)(**{name: _tuples(value) for name, value in read.items()}) == record


def _tuples(value):
    if isinstance(value, dict):
        kind = Scores if "method" in value else Planned
        return kind(**{name: _tuples(part) for name, part in value.items()})
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def test_every_record_is_tried():
    kinds = {k for k in Event.__subclasses__() if k.__module__ == events.__name__}
    assert {type(r) for r in RECORDS} == kinds
    assert {k.__name__ for k in kinds} < set(events.__all__)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_json_does_not_know_is_refused(number):
    with pytest.raises(ValueError, match="JSON"):
        to_json(Progress(number, "fit", ""))


def test_records_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RECORDS[1].fraction = 1.0


def test_the_default_listener_listens_to_nothing():
    assert ignore(RECORDS[0]) is None
