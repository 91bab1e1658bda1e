"""The work folder: what is kept, and when it is used again."""

import errno
import json
import os
from contextlib import suppress
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from deeptsr.config import EncodeSettings, NetworkSettings, PyramidSettings
from deeptsr.errors import OutputError, ResourceError
from deeptsr.events import StageFitted
from deeptsr.jobs.work_folder import WorkFolder, identity
from deeptsr.networks import build
from tests.helpers.full_disk import full
from tests.helpers.synth import tiny, wake

EVENT = StageFitted(1, 3, "S1/4 T1 -> T2", 2.5, 100, 1.5, "fitted", (1.0, 0.0, 0.0))
WHO = {"version": "1", "input": "abc", "options": {"factor": 8}}
CPU = torch.device("cpu")


def network(seed=0, channels=4):
    return wake(build(NetworkSettings("compact", channels, 1), 2), seed)


def same(one, other):
    states = one.state_dict(), other.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.fixture
def place(tmp_path):
    return tmp_path / "deep" / ".out.mp4.deeptsr"


# --- checkpoints ---


def test_a_stage_comes_back(place):
    saved, other = network(), network(1)
    WorkFolder(place, WHO).save(2, saved, EVENT)
    assert WorkFolder(place, WHO).restore(2, other) == EVENT
    assert same(saved, other)


def test_a_stage_without_a_network_comes_back(place):
    event = replace(EVENT, outcome="interpolates")
    WorkFolder(place, WHO).save(0, None, event)
    other = network(1)
    assert WorkFolder(place, WHO).restore(0, other) == event
    assert same(other, network(1))


def test_what_was_never_saved_is_not_there(place):
    folder = WorkFolder(place, WHO)
    folder.save(0, network(), EVENT)
    assert folder.restore(1, network()) is None


def test_a_later_save_replaces_the_earlier(place):
    folder, other = WorkFolder(place, WHO), network(2)
    folder.save(0, network(), EVENT)
    folder.save(0, network(1), replace(EVENT, steps=7))
    assert folder.restore(0, other).steps == 7
    assert same(other, network(1))
    assert not list(place.glob("*.part"))


def file_of(place):
    (found,) = place.glob("stage-*")
    return found


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b"",
        lambda b: b[:1],
        lambda b: b[: len(b) // 2],
        lambda b: b[:-1],
        lambda b: b[1:],
        lambda b: b"\0" * len(b),
        lambda b: bytes(255 - x for x in b),
        lambda b: b"not a checkpoint\n",
        lambda b: b[:200] + b"\xff" * 200 + b[400:],
        lambda b: b[:900] + b"\xff" * 900 + b[1800:],
    ],
)
def test_a_damaged_stage_is_ignored_and_leaves_the_network_alone(place, damage):
    folder, other = WorkFolder(place, WHO), network(1)
    folder.save(0, network(), EVENT)
    file = file_of(place)
    file.write_bytes(damage(file.read_bytes()))
    assert folder.restore(0, other) is None
    assert same(other, network(1))


@pytest.mark.parametrize(
    "content",
    [
        {"weights": None},
        {"weights": None, "event": {"stage": 1}},
        {"weights": None, "event": None},
        {"weights": None, "event": {**asdict(EVENT), "gain_db": "much"}},
        {"weights": None, "event": {**asdict(EVENT), "label": [1]}},
        {"weights": 5, "event": asdict(EVENT)},
        {"weights": {}, "event": asdict(EVENT)},
        {"event": {}},
        [1, 2],
        torch.zeros(3),
        None,
    ],
)
def test_a_stage_of_another_make_is_ignored(place, content):
    folder = WorkFolder(place, WHO)
    folder.save(0, network(), EVENT)
    torch.save(content, file_of(place))
    assert folder.restore(0, network()) is None


def test_weights_of_which_one_has_another_shape_leave_the_network_alone(place):
    folder, other = WorkFolder(place, WHO), network(1)
    weights = network().state_dict()
    weights[list(weights)[-1]] = torch.zeros(2)
    folder.save(0, network(), EVENT)
    torch.save({"weights": weights, "event": asdict(EVENT)}, file_of(place))
    assert folder.restore(0, other) is None
    assert same(other, network(1))


def test_weights_of_another_shape_are_ignored_and_leave_the_network_alone(place):
    folder, other = WorkFolder(place, WHO), network(1, channels=5)
    folder.save(0, network(), EVENT)
    assert folder.restore(0, other) is None
    assert same(other, network(1, channels=5))


def test_a_full_disk_is_told(place, monkeypatch):
    folder = WorkFolder(place, WHO)
    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(
        ResourceError, match=r"is full \(No space left on device\); free some space"
    ):
        folder.save(0, network(), EVENT)
    assert folder.restore(0, network()) is None


def test_a_save_that_breaks_off_keeps_the_earlier(place, monkeypatch):
    folder, other = WorkFolder(place, WHO), network(2)
    folder.save(0, network(), EVENT)

    def breaks(_, stream):
        stream.write(b"half")
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(torch, "save", breaks)
    with pytest.raises(OutputError, match="give another `work_dir`"):
        folder.save(0, network(1), EVENT)
    assert folder.restore(0, other) == EVENT
    assert same(other, network())


def test_what_is_begun_is_kept_until_the_stage_is(place):
    folder = WorkFolder(place, WHO)
    assert folder.load_partial(0) is None
    folder.save_partial(0, {"weights": torch.ones(2), "made": [(1, "a", 2.5)]})
    found = WorkFolder(place, WHO).load_partial(0)
    assert torch.equal(found["weights"], torch.ones(2))
    assert found["made"] == [(1, "a", 2.5)]
    assert folder.load_partial(1) is None
    folder.save(0, network(), EVENT)
    assert folder.load_partial(0) is None
    assert WorkFolder(place, WHO).restore(0, network()) == EVENT


def test_what_is_chosen_before_the_stages_is_kept_and_goes_with_the_rest(tmp_path):
    place = tmp_path / "w"
    folder = WorkFolder(place, WHO)
    parts = ("size", "time", 0)
    for part in parts:
        folder.save_partial(part, {"part": part})
    found = WorkFolder(place, WHO)
    assert [found.load_partial(part)["part"] for part in parts] == [*parts]
    found.remove()
    assert not place.exists()


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:-9], lambda b: b[:50] + b[90:]])
def test_a_damaged_beginning_is_ignored(place, damage):
    folder = WorkFolder(place, WHO)
    folder.save_partial(0, {"weights": torch.ones(200)})
    file = file_of(place)
    file.write_bytes(damage(file.read_bytes()))
    assert folder.load_partial(0) is None


# --- whose work it is ---


def test_the_same_run_goes_on(place):
    assert not WorkFolder(place, WHO).stale
    assert not WorkFolder(place, WHO).stale


def test_another_run_starts_anew(place):
    WorkFolder(place, WHO).save(0, network(), EVENT)
    folder = WorkFolder(place, {**WHO, "input": "def"})
    assert folder.stale
    assert folder.restore(0, network()) is None
    assert not WorkFolder(place, {**WHO, "input": "def"}).stale


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00"])
def test_a_damaged_record_starts_anew(place, content):
    WorkFolder(place, WHO).save(0, network(), EVENT)
    (place / "run.json").write_bytes(content)
    folder = WorkFolder(place, WHO)
    assert folder.stale
    assert folder.restore(0, network()) is None


def test_a_foreign_folder_is_refused_and_untouched(tmp_path):
    (tmp_path / "stage-1.pt").write_text("a play")
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="expected an empty or a new folder"):
        WorkFolder(tmp_path, WHO)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {
        "stage-1.pt": "a play",
        "thesis.tex": "years of work",
    }


FOREIGN = {
    "part-00000.parquet": "a table",
    "stage-raw.csv": "a list",
    "participants.tsv": "names",
    "stage-1.pt": "a play",
    "part-000001": "a part",
    "published": "a book",
}


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize(
    "record", ['{"steps": 100, "options": {}}', "[1]", "a log", '{"a": ' * 9000, "\0"]
)
def test_a_foreign_record_is_refused_and_nothing_is_touched(tmp_path, record, resume):
    files = FOREIGN | {"run.json": record, "lock": "a door"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(OutputError, match=r"run\.json is not the record of a run, or is damaged"):
        WorkFolder(tmp_path, WHO, resume=resume)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == files


@pytest.mark.parametrize("name", ["published", "stage-raw.csv", "part-00000.parquet"])
def test_a_single_foreign_file_is_refused(tmp_path, name):
    (tmp_path / name).write_text("a book")
    with pytest.raises(OutputError, match="holds other things"):
        WorkFolder(tmp_path, WHO)
    assert (tmp_path / name).read_text() == "a book"


@pytest.mark.parametrize("end", ["anew", "remove", "no resume"])
def test_only_exact_names_are_dropped(place, end):
    folder = WorkFolder(place, WHO)
    folder.save(0, network(), EVENT)
    folder.save_partial(1, {"weights": torch.ones(2)})
    ours = ("parts.jsonl", "part.open", "part-000001", "part-1000000")
    for name in ours:
        (place / name).touch()
    theirs = FOREIGN.keys() - {"stage-1.pt", "part-000001", "published"}
    for name in theirs:
        (place / name).write_text(FOREIGN[name])
    if end == "remove":
        folder.remove()
    else:
        WorkFolder(place, {**WHO, "input": "def"}, resume=end == "anew")
    kept = {"run.json"} if end != "remove" else set()
    assert {p.name for p in place.iterdir()} == theirs | kept


@pytest.mark.parametrize("name", ["work", ".out.mp4.deeptsr"])
def test_a_folder_from_before_there_were_marks_goes_on(tmp_path, name):
    who = WHO | {"version": "0.1.0, torch 2.13", "device": "cpu"}
    WorkFolder(tmp_path / name, who).save(0, network(), EVENT)
    (tmp_path / name / "run.json").write_text(json.dumps(who, indent=1, sort_keys=True))
    assert WorkFolder(tmp_path / name, who).stages == 1
    assert "deeptsr" in json.loads((tmp_path / name / "run.json").read_text())


@pytest.mark.parametrize("killed_after", range(1, 6))
def test_a_removal_that_is_killed_leaves_a_folder_that_is_known(place, monkeypatch, killed_after):
    folder = WorkFolder(place, WHO)
    folder.save(0, network(), EVENT)
    (place / "parts.jsonl").touch()
    (place / "part-000001").touch()
    folder.publishing(place / "part-000001")
    left, unlink = killed_after, Path.unlink

    def killed(path, **how):
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        unlink(path, **how)

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(Path, "unlink", killed)
        folder.remove()
    WorkFolder(place, WHO).remove()
    assert not place.exists()


def test_a_folder_is_closed_to_others(place):
    WorkFolder(place, WHO)
    assert place.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_may_write_is_refused(place):
    WorkFolder(place, WHO).save(0, network(), EVENT)
    place.chmod(0o777)
    with pytest.raises(OutputError, match=r"may be written by others.*give another `work_dir`"):
        WorkFolder(place, WHO)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(place):
    WorkFolder(place, WHO).save(0, network(), EVENT)
    os.chown(place, 65534, 65534)
    with pytest.raises(OutputError, match="belongs to another user"):
        WorkFolder(place, WHO)


def test_a_link_in_the_place_of_our_own_folder_is_refused(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / ".a.mp4.deeptsr").symlink_to(tmp_path / "theirs")
    with pytest.raises(OutputError, match="is a symbolic link"):
        WorkFolder(tmp_path / ".a.mp4.deeptsr", WHO)
    (tmp_path / "work").symlink_to(tmp_path / "theirs")  # as the user likes
    assert not WorkFolder(tmp_path / "work", WHO).stale


@pytest.mark.parametrize("name", ["run.json", "stage-1.part", "published"])
def test_nothing_is_written_through_a_link(place, name):
    folder = WorkFolder(place, WHO)
    victim = place.parent / "victim"
    victim.write_text("precious")
    (place / name).unlink(missing_ok=True)
    (place / name).symlink_to(victim)
    with suppress(OutputError):
        WorkFolder(place, WHO)
        folder.save(0, network(), EVENT)
        folder.publishing(place / "run.json")
    assert victim.read_text() == "precious"


def test_an_empty_folder_will_do(tmp_path):
    WorkFolder(tmp_path, WHO).save(0, network(), EVENT)
    assert not WorkFolder(tmp_path, WHO).stale


@pytest.mark.parametrize("below", ["", "work"])
def test_a_file_in_its_place_is_refused(tmp_path, below):
    file = tmp_path / "file"
    file.write_text("text")
    with pytest.raises(OutputError, match="give another `work_dir`"):
        WorkFolder(file / below, WHO)
    assert file.read_text() == "text"


@pytest.mark.parametrize("name", ["n" * 300, "a\0b", "loop/x"])
def test_a_name_that_no_folder_can_have_is_refused(tmp_path, name):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OutputError, match="give another `work_dir`"):
        WorkFolder(tmp_path / name, WHO)


# --- the end ---


def test_removing_leaves_nothing(place):
    folder = WorkFolder(place, WHO)
    folder.save(0, network(), EVENT)
    folder.save(1, None, EVENT)
    folder.remove()
    assert not place.exists()
    assert place.parent.exists()


def test_removing_leaves_what_is_not_its_own(place):
    folder = WorkFolder(place, WHO)
    folder.save(0, network(), EVENT)
    (place / "note.txt").write_text("keep")
    folder.remove()
    assert [p.name for p in place.iterdir()] == ["note.txt"]


# --- identity ---


@pytest.fixture
def video(tmp_path):
    file = tmp_path / "in.mp4"
    file.write_bytes(bytes(range(256)) * 20)
    return file


def test_an_identity_can_be_written_down(video, place):
    options = tiny(pyramid=PyramidSettings(coarsest=Fraction(1, 4)))
    who = identity(video, options, CPU)
    WorkFolder(place, who)
    assert json.loads((place / "run.json").read_text())
    assert not WorkFolder(place, identity(video, options, CPU)).stale


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"factor": 3},
        {"exposure": "delta"},
        {"start": 1.0},
        {"network": NetworkSettings(channels=5, blocks=1)},
        {"pyramid": PyramidSettings(coarsest=Fraction(1, 2))},
    ],
)
def test_another_setting_is_another_run(video, changes):
    assert identity(video, tiny(**changes), CPU) != identity(video, tiny(), CPU)


@pytest.mark.parametrize(
    "changes", [{"encode": EncodeSettings(crf=3)}, {"work_dir": "w"}, {"device": "auto"}]
)
def test_how_the_output_is_written_does_not_matter(video, changes):
    assert identity(video, tiny(**changes), CPU) == identity(video, tiny(), CPU)


def test_a_list_of_cuts_is_known_by_what_it_lists(video):
    one, other = (identity(video, tiny(scenes=name), CPU, (3,)) for name in ("a.txt", "b.txt"))
    assert one == other
    assert one != identity(video, tiny(scenes="a.txt"), CPU, (4,))


def test_another_kind_of_device_is_another_run(video):
    assert identity(video, tiny(), CPU) != identity(video, tiny(), torch.device("cuda", 1))


@pytest.mark.parametrize(
    "change", [lambda b: b + b"\0", lambda b: b"\1" + b[1:], lambda b: b[:-1] + b"\0"]
)
def test_another_input_is_another_run(video, change):
    before = identity(video, tiny(), CPU)
    video.write_bytes(change(video.read_bytes()))
    assert identity(video, tiny(), CPU) != before


def test_an_input_that_was_changed_in_its_middle_is_another_run(tmp_path, place):
    video = tmp_path / "in.avi"
    video.write_bytes(bytes(4 << 20))
    WorkFolder(place, identity(video, tiny(), CPU)).save(0, network(), EVENT)
    with video.open("r+b") as stream:
        stream.seek(2 << 20)
        stream.write(b"other pictures")
    folder = WorkFolder(place, identity(video, tiny(), CPU))
    assert folder.stale
    assert "input is" in folder.note


def test_a_run_of_an_earlier_version_goes_on(video, place):
    who = identity(video, tiny(), CPU)
    WorkFolder(place, who).save(0, network(), EVENT)
    before = who | {"input": who["input's ends"]}
    for new in ("input's ends", "input's time"):
        del before[new]
    (place / "run.json").write_text(json.dumps(before, default=str))
    assert WorkFolder(place, who).stages == 1
    (place / "run.json").write_text(json.dumps(before | {"input": "0" * 64}, default=str))
    assert WorkFolder(place, who).stale


def test_a_setting_that_was_not_there_yet_is_no_change_at_its_default(video, place):
    before = json.loads(json.dumps(identity(video, tiny(), CPU), default=str))
    del before["options"]["pyramid"]["verify"], before["options"]["slow_audio"]
    WorkFolder(place, before).save(0, network(), EVENT)
    assert WorkFolder(place, identity(video, tiny(), CPU)).stages == 1
    WorkFolder(place, before)
    other = tiny(pyramid=PyramidSettings(verify=False))
    folder = WorkFolder(place, identity(video, other, CPU))
    assert (folder.stages, folder.stale) == (0, True)
    assert "pyramid verify is False, was None" in folder.note


def test_what_an_earlier_version_did_otherwise_is_a_change(video, place):
    before = json.loads(json.dumps(identity(video, tiny(), CPU), default=str))
    del before["options"]["pyramid"]["even"]
    WorkFolder(place, before).save(0, network(), EVENT)
    uneven = tiny(pyramid=replace(tiny().pyramid, even=False))
    assert WorkFolder(place, identity(video, uneven, CPU)).stages == 1
    WorkFolder(place, before)
    even = tiny(pyramid=replace(tiny().pyramid, even=True))
    folder = WorkFolder(place, identity(video, even, CPU))
    assert (folder.stages, folder.stale) == (0, True)
    assert "pyramid even is True, was False" in folder.note


def test_another_file_of_the_same_name_is_another_prior(video, place):
    who = identity(video, tiny(prior="auto"), CPU)
    WorkFolder(place, who | {"prior": "1" * 64}).save(0, network(), EVENT)
    folder = WorkFolder(place, who | {"prior": "2" * 64})
    assert (folder.stages, folder.stale) == (0, True)
    assert "prior's contents is 222" in folder.note


def test_a_folder_of_images_is_known_by_all_of_them(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(name.encode())
    before = identity(tmp_path, tiny(), CPU)
    assert identity(tmp_path, tiny(), CPU) == before
    (tmp_path / "b.png").write_bytes(b"c.png")
    changed = identity(tmp_path, tiny(), CPU)
    assert changed != before
    (tmp_path / "b.png").rename(tmp_path / "c.png")
    assert identity(tmp_path, tiny(), CPU) != changed


def test_a_pipe_in_the_place_of_what_is_kept_is_not_waited_for(place):
    folder = WorkFolder(place, WHO)
    os.mkfifo(place / "stage-1.pt")
    os.mkfifo(place / "stage-1.begun.pt")
    assert folder.restore(0, network()) is None
    assert folder.load_partial(0) is None
    (place / "run.json").unlink()
    os.mkfifo(place / "run.json")
    again = WorkFolder(place, WHO)
    assert (again.stale, again.stages) == (True, 0)
    own = place.parent / "own"
    own.mkdir()
    os.mkfifo(own / "run.json")
    with pytest.raises(OutputError, match="not the record of a run"):
        WorkFolder(own, WHO)


@pytest.mark.parametrize(
    "damage",
    [
        *(
            {"gain_db": float("nan")},
            {"steps": 10**400},
            {"mix": None},
            {"special": 1},
            {"mix": (1.0,)},
            {"curve": 7},
        ),
        *({"curve": (("a", "b", 1.0),)}, {"curve": (("a", 1, float("inf")),)}),
    ],
)
def test_an_event_that_no_stage_tells_is_none(place, damage):
    folder = WorkFolder(place, WHO)
    folder.save(0, network(), replace(EVENT, **damage))
    assert folder.restore(0, network()) is None
