"""Batches: which videos, what is kept of them, what runs when, and the processes that run."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest

from deeptsr.config import EncodeSettings, Options
from deeptsr.errors import InputError, OptionError, OutputError, ResourceError
from deeptsr.events import (
    BatchDone,
    BatchPlanned,
    Progress,
    VideoEnded,
    VideoProgress,
    VideoStarted,
    VideoWarned,
)
from deeptsr.jobs.batch import (
    LocalEngine,
    Manifest,
    Slot,
    Task,
    configuration_hash,
    find_tasks,
    run_batch,
    slots,
)
from deeptsr.jobs.batch.child import Ended, News
from deeptsr.jobs.batch.engine import Report, Work
from deeptsr.jobs.batch.manifest import stamp
from tests.helpers.clips import clip
from tests.helpers.full_disk import full

ROOT = Path(__file__).parents[3]


def write(path, text="good"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


# Which videos


def names(tasks):
    return [task.name for task in tasks]


def test_the_longest_goes_first_and_the_folders_are_mirrored(tmp_path):
    source, target = tmp_path / "in", tmp_path / "out"
    (source / "sub" / "deep").mkdir(parents=True)
    clip(source / "short.mp4", frames=3)
    clip(source / "sub" / "large.mkv", frames=3, size="128x96")
    clip(source / "sub" / "deep" / "long.mp4", frames=8)
    write(source / "sub" / "broken.mov")
    write(source / ".hidden.mp4")
    write(source / ".work" / "stage.mp4")
    write(source / "notes.txt")
    tasks = find_tasks(source, target)
    assert names(tasks) == ["sub/large.mkv", "sub/deep/long.mp4", "short.mp4", "sub/broken.mov"]
    assert [t.output for t in tasks] == [target / t.name for t in tasks]
    assert [round(t.rough_size / (64 * 48)) for t in tasks] == [12, 8, 3, 0]


def test_an_output_folder_among_the_inputs_is_no_input(tmp_path):
    write(tmp_path / "a.mp4")
    write(tmp_path / "out" / "a.mp4")
    write(tmp_path / "other" / "out" / "b.mp4")
    assert names(find_tasks(tmp_path, tmp_path / "out")) == ["a.mp4", "other/out/b.mp4"]
    with pytest.raises(OutputError, match="folder of the inputs"):
        find_tasks(tmp_path, tmp_path)


def test_a_list_names_videos_and_folders_of_images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("x/a.mp4", "x/y/b.weird", "x/frames/1.png"):
        write(Path(name))
    file = write(tmp_path / "list.txt", f"x/a.mp4\n\n{tmp_path}/x/y/b.weird\nx/frames\nx/a.mp4\n")
    tasks = find_tasks(file, "out")
    assert names(tasks) == ["a.mp4", "frames", "y/b.weird"]
    outputs = [t.output.relative_to(tmp_path / "out").as_posix() for t in tasks]
    assert outputs == ["a.mp4", "frames.mp4", "y/b.weird.mp4"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "  \n", "\t \r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_is_read_however_an_editor_saved_it(tmp_path, monkeypatch, encoding, end):
    monkeypatch.chdir(tmp_path)
    listed = ["clips/a.mp4", "clips/b b.mp4", "clips/\u4e2d.mp4", "clips/one\u2028line.mp4"]
    for name in listed:
        write(Path(name))
    (tmp_path / "list.txt").write_bytes(end.join([*listed, ""]).encode(encoding))
    tasks = find_tasks("list.txt", "out")
    assert [task.input for task in tasks] == [tmp_path / name for name in sorted(listed)]


def test_a_list_names_files_that_end_with_a_blank_or_are_no_utf_8(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    listed = ["a.mp4 ", os.fsdecode(b"caf\xe9.mp4")]
    for name in listed:
        write(Path(name))
    Path("list.txt").write_bytes(os.fsencode("\n".join(listed)))
    assert [task.input.name for task in find_tasks("list.txt", "out")] == listed


@pytest.mark.parametrize(
    ("pattern", "found"), [("*.mp4", ["a.mp4", "s/a.mp4"]), ("s/*", ["s/a.mp4", "s/b.raw"])]
)
def test_a_pattern_is_of_the_name_or_of_the_path(tmp_path, pattern, found):
    for name in ("a.mp4", "a.mkv", "s/a.mp4", "s/b.raw"):
        write(tmp_path / name)
    assert names(find_tasks(tmp_path, tmp_path / "out", pattern=pattern)) == found


def test_a_suffix_is_that_of_all_outputs(tmp_path):
    for name in ("a.mp4", "b.wmv"):
        write(tmp_path / name)
    tasks = find_tasks(tmp_path, tmp_path / "out", suffix=".mkv")
    assert [t.output.name for t in tasks] == ["a.mkv", "b.mkv"]
    write(tmp_path / "a.mov")
    with pytest.raises(OptionError, match="would both become"):
        find_tasks(tmp_path, tmp_path / "out", suffix=".mkv")
    with pytest.raises(OptionError, match=r"suffix is '\.xyz'"):
        find_tasks(tmp_path, tmp_path / "out", suffix=".xyz")


def test_nothing_to_do_is_said(tmp_path):
    with pytest.raises(InputError, match="with the ending of a video"):
        find_tasks(tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match="cannot be read"):
        find_tasks(tmp_path / "none", tmp_path / "out")
    binary = tmp_path / "a.mp4"
    binary.write_bytes(b"\xff\x00\xfe")
    with pytest.raises(InputError, match="deeptsr upscale"):
        find_tasks(binary, tmp_path / "out")


# The manifest


def test_what_does_not_change_a_result_does_not_change_the_hash():
    options = Options()
    same = replace(options, device="cuda:1", work_dir="w", resume=False)
    same = replace(same, encode=EncodeSettings(overwrite=True))
    assert configuration_hash(same) == configuration_hash(options)
    for other in (replace(options, seed=1), replace(options, encode=EncodeSettings(crf=3))):
        assert configuration_hash(other) != configuration_hash(options)


def test_a_stamp_is_of_the_contents_and_cheap_to_take_again(tmp_path, monkeypatch):
    file = write(tmp_path / "f", "one")
    first = stamp(file)
    os.utime(file, ns=(1, 1))
    touched = stamp(file)
    assert touched.hash == first.hash
    assert touched.look != first.look
    write(file, "two")
    assert stamp(file).hash != first.hash
    assert stamp(tmp_path / "none") is None
    known = stamp(file)
    monkeypatch.setattr(Path, "open", None)  # not read again
    assert stamp(file, known) is known


def test_a_manifest_on_a_full_disk_is_told(tmp_path, monkeypatch):
    tasks = make_tasks(tmp_path, "good")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError, match=r"is full .*; free some space"):
        run(tasks, Scripted([[GOOD]]), tmp_path / "m.jsonl")


def test_a_line_that_a_crash_cut_off_is_overlooked(tmp_path):
    path = tmp_path / "m.jsonl"
    tasks = make_tasks(tmp_path, "good")
    run(tasks, Scripted([[GOOD]]), path)
    path.write_bytes(path.read_bytes() + b'{"input": "/x')
    assert run(tasks, Scripted([]), path).skipped == 1
    write(tasks[0].input, "good ")
    assert run(tasks, Scripted([[GOOD]]), path).done == 1
    states = [json.loads(line)["state"] for line in path.read_bytes().splitlines()[3:]]
    assert states == ["running", "done"]


def test_a_manifest_of_a_version_that_knew_less_is_understood(tmp_path):
    path = tmp_path / "m.jsonl"
    tasks = make_tasks(tmp_path, "good")
    run(tasks, Scripted([[GOOD]]), path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        del line["confidence"], line["warnings"]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(tasks, Scripted([]), path).skipped == 1
    for line in lines:
        del line["state"]  # without which it says nothing
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(tasks, Scripted([[GOOD]]), path).done == 1


def test_the_manifest_keeps_how_sure_a_result_is_and_what_the_last_attempt_warned_of(tmp_path):
    path = tmp_path / "m.jsonl"
    tasks = make_tasks(tmp_path, "good")
    attempts, told = [CRASH, Ended(0, None, 2.5, "sure")], []
    run(tasks, Scripted([attempts]), path, retries=1, events=told)
    with Manifest(path) as manifest:
        entry = manifest.last(tasks[0].output)
    assert (entry.confidence, entry.warnings) == ("sure", ("mind this",))  # not the first's, too
    assert [e.confidence for e in told if isinstance(e, VideoEnded)] == ["sure"]


def test_a_report_is_asked_for_beside_each_result(tmp_path):
    engine = Scripted([[GOOD], [GOOD]])
    tasks = make_tasks(tmp_path, "good", "good")
    long = tasks[1].output.with_name("n" * 250 + ".mkv")
    tasks = [tasks[0], replace(tasks[1], output=long)]
    run(tasks, engine, tmp_path / "m.jsonl", reports=True)
    assert engine.works[0].flags[-2:] == ("--report", f"{tasks[0].output}.html")
    assert "--report" not in engine.works[1].flags  # no name is that long


def test_two_batches_do_not_share_a_manifest(tmp_path):
    path = tmp_path / "m.jsonl"
    with Manifest(path), pytest.raises(OutputError, match="another batch is writing"):
        Manifest(path)
    with Manifest(path):
        pass
    with pytest.raises(OutputError, match="cannot be written"):
        Manifest(tmp_path)


# The course of a batch, with an engine that only pretends

GOOD = Ended(0, None, 2.5)
BROKEN = Ended(3, "it is broken")
CRASH = Ended(-9, "the process was killed by SIGKILL")


class Scripted:
    """An engine whose attempts at the n-th video end as the n-th list says, in order."""

    device, label = "cpu", "in a dream"

    def __init__(self, ends, jobs=1):
        self.jobs, self.stopped, self.works = jobs, False, []
        self.at_stop: list[Report] = []
        self._ends = [deque(e) for e in ends]
        self._reports: deque[Report] = deque()
        self._running = 0

    def start(self, work: Work) -> None:
        self._running += 1
        assert self._running <= self.jobs
        self.works.append(work)
        end = self._ends[work.number].popleft()
        if isinstance(end, Ended) and end.exit_code == 0:
            Path(work.output).write_text("made")
        self._reports += [
            Report(work.number, News(0.5, "half", "here")),
            Report(work.number, News(warning="mind this")),
            Report(work.number, end),
        ]

    def receive(self) -> Report:
        report = self._reports.popleft()
        if not isinstance(report.news, News):
            self._running -= 1
        if isinstance(report.news, BaseException):
            raise report.news
        return report

    def stop(self) -> list[Report]:
        self.stopped = True
        return self.at_stop


def make_tasks(folder, *contents):
    inputs = [write(folder / f"{n}.mp4", text) for n, text in enumerate(contents)]
    return [Task(p.name, p, folder / "out" / p.name, float(9 - n)) for n, p in enumerate(inputs)]


def run(tasks, engine, manifest, *, configuration="c", events=None, **more):
    with Manifest(manifest) as held:
        on_event = (lambda event: None) if events is None else events.append
        return run_batch(tasks, engine, held, configuration, on_event=on_event, **more)


def test_a_failure_does_not_stop_the_others(tmp_path):
    tasks, events = make_tasks(tmp_path, "a", "b", "c"), []
    engine = Scripted([[GOOD], [BROKEN], [GOOD]])
    done = run(tasks, engine, tmp_path / "m", events=events, flags=("--factor", "4"))
    assert (done.done, done.skipped, done.failed) == (2, 0, 1)
    assert [w.number for w in engine.works] == [0, 1, 2]
    assert engine.works[0].flags == ("--factor", "4")
    assert isinstance(events[0], BatchPlanned)
    assert (events[0].videos, events[0].skipped) == (3, 0)
    assert events[1:5] == [
        VideoStarted("0.mp4", str(tasks[0].output), 1),
        VideoProgress("0.mp4", 0.5, "half", "here"),
        Progress(pytest.approx(0.5 * 9 / 24), "batch", "0 of 3 videos done"),
        VideoWarned("0.mp4", "mind this"),
    ]
    ends = [e for e in events if isinstance(e, VideoEnded)]
    assert [(e.state, e.gain_db, e.error) for e in ends] == [
        ("done", 2.5, None),
        ("failed", None, "it is broken"),
        ("done", 2.5, None),
    ]
    assert events[-2] == Progress(pytest.approx(1), "batch", "2 of 3 videos done, 1 failed")
    assert events[-1] == done
    assert isinstance(done, BatchDone)


@pytest.mark.parametrize(
    ("ends", "retries", "attempts", "state"),
    [
        ([CRASH, GOOD], 1, 2, "done"),
        ([CRASH, CRASH], 1, 2, "failed"),
        ([CRASH], 0, 1, "failed"),
        ([Ended(4, "memory ran out"), CRASH, GOOD], 2, 3, "done"),
        ([BROKEN], 5, 1, "failed"),
        ([Ended(2, "wrong usage")], 5, 1, "failed"),
    ],
)
def test_only_what_may_succeed_is_tried_again(tmp_path, ends, retries, attempts, state):
    tasks, events = make_tasks(tmp_path, "a"), []
    run(tasks, Scripted([ends]), tmp_path / "m", retries=retries, events=events)
    end = next(e for e in events if isinstance(e, VideoEnded))
    assert (end.attempts, end.state) == (attempts, state)
    again = [e for e in events if isinstance(e, VideoWarned) and "tried again" in e.message]
    assert len(again) == attempts - 1


def test_a_retry_goes_to_the_end_of_the_queue(tmp_path):
    engine = Scripted([[CRASH, GOOD], [GOOD]])
    run(make_tasks(tmp_path, "a", "b"), engine, tmp_path / "m")
    assert [w.number for w in engine.works] == [0, 1, 0]


def test_the_bar_of_a_batch_does_not_run_backwards_where_a_video_is_tried_again(tmp_path):
    told = []
    run(
        make_tasks(tmp_path, "a", "b"),
        Scripted([[CRASH, GOOD], [GOOD]]),
        tmp_path / "m",
        events=told,
    )
    shares = [event.fraction for event in told if isinstance(event, Progress)]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_a_success_without_a_result_is_a_failure(tmp_path):
    tasks, events = make_tasks(tmp_path, "a"), []
    engine = Scripted([[Ended(0)]])
    engine.start = lambda work: engine._reports.append(Report(0, Ended(0)))
    assert run(tasks, engine, tmp_path / "m", events=events).failed == 1
    assert "is not there" in events[-3].error


@pytest.mark.parametrize("change", ["input", "output", "gone", "configuration"])
def test_what_changed_is_done_again_and_only_that(tmp_path, change):
    tasks = make_tasks(tmp_path, "a", "b")
    run(tasks, Scripted([[GOOD], [GOOD]]), tmp_path / "m")
    assert run(tasks, Scripted([[], []]), tmp_path / "m").skipped == 2
    if change == "gone":
        tasks[1].output.unlink()
    elif change != "configuration":
        write(getattr(tasks[1], change), "otherwise")
    configuration = "other" if change == "configuration" else "c"
    engine = Scripted([[GOOD], [GOOD]])
    done = run(tasks, engine, tmp_path / "m", configuration=configuration)
    assert [w.number for w in engine.works] == ([0, 1] if change == "configuration" else [1])
    assert done.done + done.skipped == 2


def test_an_interruption_stops_the_children_and_is_noted(tmp_path):
    tasks = make_tasks(tmp_path, "a", "b", "c")
    engine = Scripted([[GOOD], [KeyboardInterrupt()], []])
    with pytest.raises(KeyboardInterrupt):
        run(tasks, engine, tmp_path / "m")
    assert engine.stopped
    last = json.loads((tmp_path / "m").read_text().splitlines()[-1])
    assert (last["state"], last["input"]) == ("stopped", str(tasks[1].input))
    assert run(tasks, Scripted([[], [GOOD], [GOOD]]), tmp_path / "m").done == 2


def test_a_result_that_was_named_while_the_batch_was_killed_counts(tmp_path):
    tasks = make_tasks(tmp_path, "a")
    with pytest.raises(KeyboardInterrupt):
        run(tasks, Scripted([[KeyboardInterrupt()]]), tmp_path / "m")
    write(tasks[0].output, "older than the run")
    os.utime(tasks[0].output, (1, 1))
    assert run(tasks, Scripted([[BROKEN]]), tmp_path / "m").failed == 1
    with pytest.raises(KeyboardInterrupt):
        run(tasks, Scripted([[KeyboardInterrupt()]]), tmp_path / "m")
    write(tasks[0].output, "made")
    os.utime(tasks[0].output, (time.time() + 2, time.time() + 2))
    for _ in range(2):
        assert run(tasks, Scripted([[]]), tmp_path / "m").skipped == 1


@pytest.mark.parametrize("wrong", [{"retries": -1}])
def test_a_batch_refuses_what_it_cannot_do(tmp_path, wrong):
    with pytest.raises(OptionError, match="expected 0 or more"):
        run(make_tasks(tmp_path, "a"), Scripted([[]]), tmp_path / "m", **wrong)


# This machine


@pytest.mark.parametrize(
    ("devices", "jobs", "cores", "shared"),
    [
        (("cpu",), None, 2, [("cpu", 2)]),
        (("cpu",), None, 16, [("cpu", 4)] * 4),
        (("cpu",), 3, 8, [("cpu", 2)] * 3),
        (("cpu",), 4, 2, [("cpu", 1)] * 4),
        (("cuda:0", "cuda:2"), None, 16, [("cuda:0", 8), ("cuda:2", 8)]),
        (("cuda:0", "cuda:1"), 3, 9, [("cuda:0", 3), ("cuda:1", 3), ("cuda:0", 3)]),
        (("cuda:0",), None, 4, [("cuda:0", 4)]),
    ],
)
def test_a_machine_is_shared_out(monkeypatch, devices, jobs, cores, shared):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)))
    assert slots(devices, jobs) == tuple(Slot(*place) for place in shared)


@pytest.mark.parametrize(
    ("asked", "threads"), [("1", 1), ("3,2", 3), ("64", 8), ("", 8), ("0", 8), ("many", 8)]
)
def test_who_asks_for_fewer_threads_gets_no_more(monkeypatch, asked, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    assert slots(("cpu",), 1) == (Slot("cpu", threads),)


def test_a_machine_is_not_shared_out_among_nobody():
    with pytest.raises(OptionError, match="jobs is 0"):
        slots(("cpu",), 0)
    with pytest.raises(OptionError, match="no device"):
        slots(())


@pytest.fixture
def children(monkeypatch):
    """Processes that are started quickly: see tests/helpers/fake_cli.py."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return lambda *places: LocalEngine(places or [Slot("cpu", 1)] * 4, "tests.helpers.fake_cli")


def test_twelve_videos_of_which_three_fail(tmp_path, children):
    texts = ["good"] * 9 + ["", "broken", "crash"]
    tasks, events = make_tasks(tmp_path, *texts), []
    done = run(tasks, children(), tmp_path / "m", events=events)
    assert (done.done, done.failed) == (9, 3)
    assert [t.output.read_text() for t in tasks[:9]] == ["good upscaled"] * 9
    ends = {e.video: e for e in events if isinstance(e, VideoEnded)}
    assert {e.gain_db for e in ends.values() if e.state == "done"} == {1.5}
    assert ends["9.mp4"].error == "9.mp4 is broken; get it anew"
    assert ends["10.mp4"].error == "10.mp4 is broken; get it anew"
    crash = "the process was killed by SIGKILL: Fatal: this went wrong"
    assert (ends["11.mp4"].error, ends["11.mp4"].attempts) == (crash, 2)
    assert VideoWarned("0.mp4", "mind this") in events

    # Again, after two were mended: what is done is not done twice.
    for task in tasks[9:11]:
        write(task.input, "good")
    done = run(tasks, children(), tmp_path / "m")
    assert (done.done, done.skipped, done.failed) == (2, 9, 1)
    logs = [(t.output.parent / f".{t.output.name}.log").read_text().splitlines() for t in tasks]
    assert [len(log) for log in logs] == [1] * 9 + [2, 2, 4]


def test_a_child_is_told_what_to_do(tmp_path, children):
    tasks = make_tasks(tmp_path, "good", "good")
    places = Slot("cuda:0", 3), Slot("cuda:1", 3)
    run(tasks, children(*places), tmp_path / "m", flags=("--factor", "4", "--preset", "fast"))
    logs = [(t.output.parent / f".{t.output.name}.log").read_text().split() for t in tasks]
    for number, (log, task) in enumerate(zip(logs, tasks, strict=True)):
        flags = ["3", "upscale", "--factor", "4", "--preset", "fast"]
        flags += ["-o", "OUT", "--device", "CARD", "--json", "--"]
        expected = [f.replace("CARD", f"cuda:{number}") for f in flags]
        assert log[1:] == [f.replace("OUT", str(task.output)) for f in expected]


def test_children_are_stopped(tmp_path, children):
    tasks = make_tasks(tmp_path, "wait", "wait", "good")
    engine = children(Slot("cpu", 1), Slot("cpu", 1))
    waits = [t.output.parent / f".{t.output.name}.waits" for t in tasks[:2]]
    reports = 0

    def interrupt(event):
        nonlocal reports
        reports += isinstance(event, VideoWarned)
        if reports == 2:
            until = time.monotonic() + 20
            while not all(w.exists() for w in waits) and time.monotonic() < until:
                time.sleep(0.01)
            raise KeyboardInterrupt

    with Manifest(tmp_path / "m") as manifest, pytest.raises(KeyboardInterrupt):
        run_batch(tasks, engine, manifest, "c", on_event=interrupt)
    for task in tasks[:2]:
        pid = int((task.output.parent / f".{task.output.name}.log").read_text().split()[0])
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    states = [json.loads(line)["state"] for line in (tmp_path / "m").read_text().splitlines()]
    assert states == ["running", "running", "stopped", "stopped"]


def test_a_program_that_is_not_there_is_told(tmp_path, monkeypatch):
    events = []
    engine = LocalEngine([Slot("cpu", 1)], "tests.no_such_cli")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    run(make_tasks(tmp_path, "a"), engine, tmp_path / "m", events=events, retries=0)
    end = next(e for e in events if isinstance(e, VideoEnded))
    assert end.error.startswith("the process ended with exit code 1: ")
    assert "no_such_cli" in end.error


@pytest.mark.parametrize("name", ["0.mp4", "0.mp4.html"])
def test_no_video_is_written_through_a_link_that_was_put_there(tmp_path, name):
    tasks, told = make_tasks(tmp_path, "a", "b"), []
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).symlink_to(tmp_path / "victim")
    engine = Scripted([[GOOD], [GOOD]])
    result = run(tasks, engine, tmp_path / "m.jsonl", reports=True, events=told)
    assert (result.done, result.failed) == (1, 1)
    assert [work.number for work in engine.works] == [1]
    assert not (tmp_path / "victim").exists()
    (failed,) = (e for e in told if isinstance(e, VideoEnded) and e.state == "failed")
    assert f"{name} is a symbolic link" in failed.error


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1" + 400 * "0"])
def test_a_line_whose_numbers_are_none_says_nothing(tmp_path, number):
    path, tasks = tmp_path / "m.jsonl", make_tasks(tmp_path, "a")
    run(tasks, Scripted([[GOOD]]), path)
    path.write_text(path.read_text().replace("2.5", number).replace('"done"', '"stopped"'))
    assert run(tasks, Scripted([]), path).skipped == 1  # as the line before says, and the result
