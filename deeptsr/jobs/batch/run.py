"""The course of a batch: what is skipped, what runs next, what is tried again."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from deeptsr.errors import OptionError
from deeptsr.events import (
    BatchDone,
    BatchPlanned,
    FitKept,
    Listener,
    Progress,
    VideoEnded,
    VideoProgress,
    VideoStarted,
    VideoWarned,
    Warned,
    ignore,
)
from deeptsr.jobs.batch.child import Ended, News
from deeptsr.jobs.batch.engine import Engine, Report, Work
from deeptsr.jobs.batch.known import verified, was_named
from deeptsr.jobs.batch.manifest import Entry, Manifest, stamp
from deeptsr.jobs.batch.shared_fit import SharedFit
from deeptsr.jobs.batch.tasks import Task

__all__ = ["run_batch"]


@dataclass
class _State:
    """Where a video stands."""

    entry: Entry
    began: float = 0.0  # of the attempt that runs, on the monotonic clock
    warnings: list[str] = field(default_factory=list)  # of that attempt


def run_batch(
    tasks: Sequence[Task],
    engine: Engine,
    manifest: Manifest,
    configuration: str,
    *,
    flags: Sequence[str] = (),
    retries: int = 1,
    reports: bool = False,
    shared: SharedFit | None = None,
    on_event: Listener = ignore,
) -> BatchDone:
    """Upscale all videos; one that fails does not keep the others from their turn.

    Args:
        tasks: in the order in which they get their turn.
        engine: that does the work.
        manifest: where the outcome is kept, and that of an earlier batch is found: a video whose
            input, configuration and output are still the same is skipped.
        configuration: see :func:`~deeptsr.jobs.batch.manifest.configuration_hash`.
        flags: for ``deeptsr upscale``, which say the same as ``configuration``.
        retries: further attempts at a video whose process crashed, was killed or ran out of
            memory. What is unusable stays so, and is not tried again.
        reports: have each video make a page of its own, :attr:`Task.page`.
        shared: the fit that one video makes and the others take; None: each makes its own.
        on_event: listener.

    Raises:
        OptionError: for less than 0 retries.
        OutputError, ResourceError: when the manifest or an output's folder cannot be written.
    """
    if retries < 0:
        raise OptionError(f"retries is {retries}; expected 0 or more")
    given = tuple(flags)
    batch = _Batch(
        tasks, engine, manifest, configuration, given, retries, reports, shared, on_event
    )
    return batch.run()


class _Batch:
    def __init__(
        self,
        tasks: Sequence[Task],
        engine: Engine,
        manifest: Manifest,
        configuration: str,
        flags: tuple[str, ...],
        retries: int,
        reports: bool,
        shared: SharedFit | None,
        on_event: Listener,
    ) -> None:
        self._tasks, self._engine, self._manifest = tasks, engine, manifest
        self._configuration, self._flags = configuration, flags
        self._retries, self._reports, self._tell = retries, reports, on_event
        self._shared = shared
        self._states: dict[int, _State] = {}
        self._ended: list[str] = []
        self._shares: dict[int, float] = {}  # of each video that needs work, what is done
        self._furthest = 0.0  # share of all that was told: a video that is tried again takes none

    def run(self) -> BatchDone:
        began = time.monotonic()
        known = [verified(task, self._manifest, self._configuration) for task in self._tasks]
        waiting = deque(n for n, entry in enumerate(known) if entry is None)
        count, place = len(self._tasks), str(self._manifest.path)
        fit = str(self._shared.path) if self._shared else None
        self._tell(BatchPlanned(count, count - len(waiting), self._engine.label, place, fit))
        if self._manifest.note:
            self._tell(Warned(self._manifest.note))
        for task, entry in zip(self._tasks, known, strict=True):
            if entry is not None:
                self._end(task, entry, "skipped")
        self._shares = dict.fromkeys(waiting, 0.0)
        running: set[int] = set()
        try:
            while waiting or running:
                while waiting and len(running) < self._engine.jobs and self._awaited() is None:
                    number = waiting.popleft()
                    running |= {number} if self._start(number) else set()
                if running:
                    self._hear(self._engine.receive(), waiting, running)
        except BaseException:
            try:
                for report in self._engine.stop():
                    if self._is_done(report):
                        running.discard(report.number)
            finally:
                for number in running:
                    self._manifest.add(replace(self._so_far(number), state="stopped"))
            raise
        result = BatchDone(
            done=self._ended.count("done"),
            skipped=self._ended.count("skipped"),
            failed=self._ended.count("failed"),
            seconds=time.monotonic() - began,
        )
        self._tell(result)
        return result

    def _hear(self, report: Report, waiting: deque[int], running: set[int]) -> None:
        number, news = report.number, report.news
        if isinstance(news, News):
            self._report(number, news)
            return
        running.remove(number)
        behind = 0 if self._awaited() == number else len(waiting)
        again = self._take(number, news)
        if again:
            waiting.insert(behind, number)
        self._progress(number, 0.0 if again else 1.0)

    def _start(self, number: int) -> bool:
        """Begin an attempt; False where there is none, as a link was put where it would write."""
        task, now = self._tasks[number], time.monotonic()
        if number in self._states:
            state = self._states[number]
            state.entry = replace(state.entry, attempts=state.entry.attempts + 1, error=None)
            state.began, state.warnings = now, []
        else:
            before = self._manifest.last(task.output)
            entry = Entry(
                input=str(task.input),
                output=str(task.output),
                input_stamp=stamp(task.input, before.input_stamp if before else None),
                configuration_hash=self._configuration,
                state="running",
                attempts=1,
                seconds=0.0,
                fit=self._shared.part_of(task.output) if self._shared else None,
            )
            state = self._states[number] = _State(entry, now)
        page = task.page if self._reports else None
        ours = task.output, page, self._shared.path if self._shared else None
        link = next((p for p in ours if p is not None and os.path.islink(p)), None)
        if link is not None:  # the child would take it for the user's wish
            wrong = f"{link} is a symbolic link; expected this name to be free; remove it"
            self._end(task, replace(state.entry, state="failed", error=wrong), "failed")
            self._progress(number, 1.0)
            return False
        self._manifest.add(state.entry)
        with contextlib.suppress(OSError):  # the child says what stands in the way
            task.output.parent.mkdir(parents=True, exist_ok=True)
        fit = state.entry.fit
        self._tell(VideoStarted(task.name, str(task.output), state.entry.attempts, fit))
        flags = self._flags if page is None else (*self._flags, "--report", str(page))
        flags += self._shared.flags(number, fit) if self._shared else ()
        self._engine.start(Work(number, str(task.input), str(task.output), flags))
        return True

    def _report(self, number: int, news: News) -> None:
        task = self._tasks[number]
        if news.warning is not None:
            self._states[number].warnings.append(news.warning)
            self._tell(VideoWarned(task.name, news.warning))
        if news.kept is not None and self._shared:
            self._shared.keep()
            self._tell(FitKept(str(self._shared.path), news.kept))
        if news.fraction is not None or news.place is not None:
            self._tell(VideoProgress(task.name, news.fraction or 0.0, news.detail, news.place))
            self._progress(number, news.fraction or 0.0)

    def _awaited(self) -> int | None:
        """The video that has to keep its fit before another one begins."""
        return self._shared.awaited_of if self._shared is not None else None

    def _progress(self, number: int, share: float) -> None:
        """Tell where the whole batch stands: a video counts as much as it weighs."""
        self._shares[number] = share
        sizes = {n: max(1.0, self._tasks[n].rough_size) for n in self._shares}
        fraction = sum(sizes[n] * share for n, share in self._shares.items())
        failed = self._ended.count("failed")
        detail = f"{len(self._ended) - failed} of {len(self._tasks)} videos done"
        detail += f", {failed} failed" if failed else ""
        self._furthest = max(self._furthest, fraction / sum(sizes.values()))
        self._tell(Progress(self._furthest, "batch", detail))

    def _so_far(self, number: int) -> Entry:
        state = self._states[number]
        took = state.entry.seconds + time.monotonic() - state.began
        return replace(state.entry, seconds=round(took, 3), warnings=tuple(state.warnings))

    def _after(self, number: int, ended: Ended) -> Entry:
        return replace(
            self._so_far(number),
            exit_code=ended.exit_code,
            error=ended.error,
            gain_db=ended.gain_db,
            confidence=ended.confidence,
        )

    def _take(self, number: int, ended: Ended) -> bool:
        """Note how an attempt ended, and say whether there shall be another."""
        task, state = self._tasks[number], self._states[number]
        state.entry = self._after(number, ended)
        if self._shared is not None:
            self._shared.end(number, ended.exit_code)
        if self._shared is not None and self._shared.misfits(state.entry):
            state.entry = replace(state.entry, fit=None)
            why = f"it cannot take the shared fit ({ended.error}); it is fitted by itself"
            self._tell(VideoWarned(task.name, why))
            return True
        if ended.exit_code == 0:
            now = stamp(task.output)
            if now is not None:
                done = replace(state.entry, state="done", output_stamp=now)
                self._end(task, done, "done")
                return False
            lost = f"its process succeeded, but {task.output} is not there; expected its result"
            state.entry = replace(state.entry, error=lost)
        elif ended.worth_another and was_named(task, self._manifest):
            now = stamp(task.output)  # it broke down on its way out
            self._end(task, replace(state.entry, state="done", output_stamp=now), "done")
            return False
        elif ended.worth_another and state.entry.attempts <= self._retries:
            self._tell(VideoWarned(task.name, f"{ended.error}; it is tried again"))
            return True
        self._end(task, replace(state.entry, state="failed"), "failed")
        return False

    def _is_done(self, report: Report) -> bool:
        """Note a video whose child came to its end while it was told to stop."""
        task = self._tasks[report.number]
        if not (isinstance(report.news, Ended) and report.news.exit_code == 0):
            return False
        output = stamp(task.output)
        if output is None:
            return False
        entry = self._after(report.number, report.news)
        self._end(task, replace(entry, state="done", output_stamp=output), "done")
        return True

    def _end(self, task: Task, entry: Entry, state: str) -> None:
        if state != "skipped":
            self._manifest.add(entry)
        self._ended.append(state)
        told = entry.attempts, entry.seconds, entry.gain_db, entry.error, entry.confidence
        self._tell(VideoEnded(task.name, entry.output, state, *told, entry.fit))
