"""One fit for all videos of a batch: who makes it, who waits, who takes it, and who cannot."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest

from deeptsr.config import Options
from deeptsr.errors import OutputError
from deeptsr.events import BatchPlanned, FitKept, VideoEnded, VideoStarted, VideoWarned
from deeptsr.jobs.batch import Manifest, SharedFit, Task, configuration_hash, run_batch
from deeptsr.jobs.batch.child import Ended, News
from deeptsr.jobs.batch.engine import Report, Work

GOOD, CRASH, MISFIT = Ended(0, None, 2.5), Ended(-9, "it was killed"), Ended(2, "another size")
BROKEN = Ended(3, "it is broken")
KEPT = News(kept=700)


class Scripted:
    """An engine: what becomes known of each attempt, in order; work that waits is held back."""

    device, label = "cpu", "in a dream"

    def __init__(self, *said, jobs=1):
        self.jobs, self.works = jobs, list[Work]()
        self._said = [deque(each) for each in said]  # attempts of each video, each a list
        self._running: list[tuple[int, deque]] = []

    def start(self, work: Work) -> None:
        self.works.append(work)
        self._running.append((work.number, deque(self._said[work.number].popleft())))

    def receive(self) -> Report:
        number, said = self._running[-1]  # the youngest first
        news = said.popleft()
        if isinstance(news, BaseException):
            raise news
        if isinstance(news, Ended):
            self._running.pop()
        work = next(w for w in reversed(self.works) if w.number == number)
        if news == KEPT:
            Path(work.flags[work.flags.index("--save-fit") + 1]).write_text("fit")
        if news == GOOD:
            Path(work.output).write_text(f"made of {Path(work.input).read_text()}")
        return Report(number, news)

    def stop(self) -> list[Report]:
        return []

    @property
    def asked(self):
        """What each attempt was told: its video, and its part."""
        return [(w.number, (w.flags or ("-",))[0]) for w in self.works]


@pytest.fixture
def tasks(tmp_path):
    made = []
    for n in range(3):
        path = tmp_path / f"{n}.mp4"
        path.write_text(f"video {n}")
        made.append(Task(path.name, path, tmp_path / "out" / path.name, 9.0 - n))
    return made


def run(tasks, engine, *, configuration="c", overwrite=False, **more):
    folder, told = tasks[0].output.parent, []
    with Manifest(folder / "batch.jsonl") as manifest:
        path = folder / "batch.safetensors"
        shared = SharedFit(path, manifest, configuration, overwrite=overwrite)
        done = run_batch(
            tasks, engine, manifest, configuration, shared=shared, on_event=told.append, **more
        )
        parts = [manifest.last(task.output).fit for task in tasks]
    return done, parts, told


def test_the_first_makes_it_and_the_others_take_it(tasks):
    engine = Scripted([[KEPT, GOOD]], [[GOOD]], [[GOOD]])
    done, parts, told = run(tasks, engine)
    path = str(tasks[0].output.parent / "batch.safetensors")
    assert engine.works[0].flags == ("--save-fit", path)
    assert [work.flags for work in engine.works[1:]] == [("--fit", path)] * 2
    assert (done.done, parts) == (3, ["made", "taken", "taken"])
    assert next(e for e in told if isinstance(e, BatchPlanned)).fit == path
    assert [e for e in told if isinstance(e, FitKept)] == [FitKept(path, 700)]
    assert [e.fit for e in told if isinstance(e, VideoStarted)] == parts
    assert [e.fit for e in told if isinstance(e, VideoEnded)] == parts


def test_the_others_begin_when_it_is_kept_and_not_before(tasks):
    began_by = []

    class Watched(Scripted):
        def receive(self):
            began_by.append(len(self.works))
            return super().receive()

    engine = Watched([[News(0.1), News(0.2), KEPT, GOOD]], [[GOOD]], [[GOOD]], jobs=3)
    run(tasks, engine)
    # Three times something was heard of the first alone, then all are at work.
    assert began_by[:4] == [1, 1, 1, 3]


def test_the_next_makes_it_where_the_first_fails_before(tasks):
    engine = Scripted([[BROKEN]], [[KEPT, GOOD]], [[GOOD]])
    done, parts, _ = run(tasks, engine)
    assert engine.asked == [(0, "--save-fit"), (1, "--save-fit"), (2, "--fit")]
    assert (done.done, done.failed, parts[1:]) == (2, 1, ["made", "taken"])
    # Mended, it takes what the other made.
    tasks[0].input.write_text("mended")
    engine = Scripted([[GOOD]], [], [])
    assert run(tasks, engine)[1] == ["taken", "made", "taken"]


def test_the_one_that_makes_it_is_tried_again_before_the_others(tasks):
    engine = Scripted([[CRASH], [KEPT, GOOD]], [[GOOD]], [[GOOD]], jobs=2)
    assert run(tasks, engine)[1] == ["made", "taken", "taken"]
    assert engine.asked[:2] == [(0, "--save-fit"), (0, "--save-fit")]


def test_one_that_it_does_not_suit_is_fitted_by_itself(tasks):
    engine = Scripted([[KEPT, GOOD]], [[MISFIT], [GOOD]], [[GOOD]])
    done, parts, told = run(tasks, engine, retries=0)
    assert engine.asked[1:] == [(1, "--fit"), (2, "--fit"), (1, "-")]
    assert (done.done, parts) == (3, ["made", None, "taken"])
    warned = next(e for e in told if isinstance(e, VideoWarned))
    assert warned.video == "1.mp4"
    assert warned.message.startswith("it cannot take the shared fit (another size)")


def test_wrong_usage_of_a_fit_of_ones_own_is_not_tried_again(tasks):
    engine = Scripted([[KEPT, GOOD]], [[MISFIT], [MISFIT]], [[GOOD]])
    assert run(tasks, engine)[0].failed == 1


def test_a_run_that_was_whole_before_has_kept_it_without_a_word(tasks):
    tasks[0].output.parent.mkdir()

    class Silent(Scripted):
        def receive(self):
            (tasks[0].output.parent / "batch.safetensors").write_text("fit")
            return super().receive()

    engine = Silent([[GOOD]], [[GOOD]], [[GOOD]])
    run(tasks, engine)
    assert engine.asked == [(0, "--save-fit"), (1, "--fit"), (2, "--fit")]


def test_an_interrupted_batch_goes_on_with_it(tasks):
    with pytest.raises(KeyboardInterrupt):
        run(tasks, Scripted([[KEPT, KeyboardInterrupt()]], [], []))
    engine = Scripted([[GOOD]], [[GOOD]], [[GOOD]], jobs=3)
    assert run(tasks, engine)[1] == ["made", "taken", "taken"]
    # The one that made it goes on as it began; nobody waits, as the fit is there.
    assert engine.asked == [(0, "--save-fit"), (1, "--fit"), (2, "--fit")]
    assert run(tasks, Scripted([], [], []))[0].skipped == 3


def test_a_video_that_comes_later_takes_it_though_it_is_longer(tasks):
    run(tasks[1:], Scripted([[KEPT, GOOD]], [[GOOD]]))
    engine = Scripted([[GOOD]], [], [])
    assert run(tasks, engine)[1] == ["taken", "made", "taken"]


def test_another_one_makes_it_where_the_first_never_came_so_far(tasks):
    with pytest.raises(KeyboardInterrupt):
        run(tasks[1:], Scripted([[KeyboardInterrupt()]], []))
    # Now a longer one is there, and makes it; what was begun takes it.
    engine = Scripted([[KEPT, GOOD]], [[GOOD]], [[GOOD]])
    assert run(tasks, engine)[1] == ["made", "taken", "taken"]
    assert engine.asked[1] == (1, "--fit")


def test_what_is_done_again_later_takes_it(tasks):
    run(tasks, Scripted([[KEPT, GOOD]], [[GOOD]], [[GOOD]]))
    tasks[0].output.unlink()
    engine = Scripted([[GOOD]], [], [])
    assert run(tasks, engine)[1] == ["taken", "taken", "taken"]


def test_a_file_that_no_batch_made_is_refused_and_stays(tasks):
    mine = tasks[0].output.parent / "batch.safetensors"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(OutputError, match="no batch of this folder made it"):
        run(tasks, Scripted([], [], []), overwrite=True)
    assert mine.read_text() == "mine"


def test_the_fit_is_neither_written_nor_read_through_a_link(tasks):
    run(tasks[:1], Scripted([[KEPT, GOOD]]))
    path, victim = tasks[0].output.parent / "batch.safetensors", tasks[0].input.parent / "victim"
    path.unlink()
    for content in (None, "precious"):
        path.symlink_to(victim)
        if content:
            victim.write_text(content)
        with pytest.raises(OutputError, match="symbolic link"):
            run(tasks, Scripted([], [], []), overwrite=True)
        path.unlink()
    assert victim.read_text() == "precious"


def test_a_link_that_is_put_there_meanwhile_is_not_followed(tasks):
    path = tasks[0].output.parent / "batch.safetensors"

    class Attacked(Scripted):
        def receive(self):
            report = super().receive()
            if report.news == GOOD:
                path.unlink(missing_ok=True)
                path.symlink_to(tasks[0].input)
            return report

    engine = Attacked([[KEPT, GOOD]], [], [])
    done, _, told = run(tasks, engine)
    assert (done.done, done.failed, len(engine.works)) == (1, 2, 1)
    errors = [e.error for e in told if isinstance(e, VideoEnded) and e.state == "failed"]
    assert all("batch.safetensors is a symbolic link" in error for error in errors)


def test_a_fit_of_other_settings_is_replaced_where_that_is_allowed(tasks):
    run(tasks, Scripted([[KEPT, GOOD]], [[GOOD]], [[GOOD]]))
    with pytest.raises(OutputError, match=r"fitted with other settings.*`overwrite`"):
        run(tasks, Scripted([], [], []), configuration="d")
    engine = Scripted([[KEPT, GOOD]], [[GOOD]], [[GOOD]])
    done, parts, _ = run(tasks, engine, configuration="d", overwrite=True)
    assert (done.done, parts) == (3, ["made", "taken", "taken"])


def test_sharing_is_another_configuration_and_not_sharing_the_one_it_was():
    options = Options()
    assert configuration_hash(options, share_fit=True) != configuration_hash(options)
    same = replace(options, device="cuda")
    assert configuration_hash(same, share_fit=True) == configuration_hash(options, share_fit=True)
