"""The engine of one machine: a child process a slot."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from deeptsr.errors import OptionError
from deeptsr.jobs.batch.child import Child, Ended, News, environment
from deeptsr.jobs.batch.engine import Report, Work

__all__ = ["THREADS", "LocalEngine", "Slot", "command_of", "slots"]

_READ_ON = 5.0  # seconds to hear what children said that have ended
THREADS = 4  # CPU cores that one video is given: more help it little


@dataclass(frozen=True)
class Slot:
    """A place where one video at a time is worked on."""

    device: str  # for --device
    threads: int  # CPU threads, >= 1

    def __str__(self) -> str:
        """Such as "cuda:1", or "cpu, 4 threads"."""
        plural = "s" if self.threads > 1 else ""
        return f"cpu, {self.threads} thread{plural}" if self.device == "cpu" else self.device


def slots(devices: Sequence[str], jobs: int | None = None) -> tuple[Slot, ...]:
    """Share this machine out.

    Args:
        devices: such as ("cuda:0", "cuda:1") or ("cpu",).
        jobs: videos at a time; None: one a GPU, or one for each four cores. The devices take turns.

    Raises:
        OptionError: for less than one job, or no device.
    """
    if jobs is not None and jobs < 1:
        raise OptionError(f"jobs is {jobs}; expected 1 or more")
    if not devices:
        raise OptionError("no device is given; expected at least one, such as cpu or cuda:0")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = cores or 1
    only_cpu = all(device == "cpu" for device in devices)
    count = jobs or (max(1, cores // THREADS) if only_cpu else len(devices))
    threads = max(1, min(cores // count, _threads_at_most(cores)))
    return tuple(Slot(devices[n % len(devices)], threads) for n in range(count))


def _threads_at_most(cores: int) -> int:
    """What ``OMP_NUM_THREADS`` allows a process: on busy cores, more threads only wait."""
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(asked) if asked.isdecimal() and int(asked) else cores


def command_of(module: str, work: Work, device: str) -> tuple[str, ...]:
    """Write a child's command line."""
    where = ("-o", work.output, "--device", device, "--json")
    return (sys.executable, "-m", module, "upscale", *work.flags, *where, "--", work.input)


class LocalEngine:
    """Runs each attempt in a child process of this one.

    Args:
        places: where to work.
        module: that Python runs as deeptsr's command line.
    """

    def __init__(self, places: Sequence[Slot], module: str) -> None:
        self.jobs = len(places)
        self.device = "cuda" if any(place.device != "cpu" for place in places) else "cpu"
        self.label = f"{len(places)} at a time on this machine"
        self._free = list(reversed(places))
        self._module = module
        self._running: dict[int, tuple[Child, Slot]] = {}
        self._followers: list[threading.Thread] = []
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()

    def start(self, work: Work) -> None:
        """See :class:`~deeptsr.jobs.batch.engine.Engine`."""
        slot = self._free.pop()
        command = command_of(self._module, work, slot.device)
        child = Child(command, environment(slot.threads))
        self._running[work.number] = child, slot
        self._reports.put(Report(work.number, News(place=str(slot))))
        follower = threading.Thread(target=self._follow, args=(work.number, child), daemon=True)
        follower.start()
        self._followers = [*(thread for thread in self._followers if thread.is_alive()), follower]

    def receive(self) -> Report:
        """See :class:`~deeptsr.jobs.batch.engine.Engine`."""
        report = self._reports.get()
        if isinstance(report.news, Ended):
            self._free.append(self._running.pop(report.number)[1])
        return report

    def stop(self) -> list[Report]:
        """See :class:`~deeptsr.jobs.batch.engine.Engine`."""
        children = [child for child, _ in self._running.values()]
        for child in children:
            child.tell_to_stop()
        until = Child.patience()
        try:
            for child in children:
                child.stop(until)
        finally:  # a second Ctrl-C: no more waiting
            for child in children:
                child.kill()
        until = time.monotonic() + _READ_ON
        for follower in self._followers:
            follower.join(max(0.0, until - time.monotonic()))
        ends: list[Report] = []
        while not self._reports.empty():  # a child may have come to its end all the same
            report = self._reports.get()
            ends += [report] if isinstance(report.news, Ended) else []
        return ends

    def _follow(self, number: int, child: Child) -> None:
        for news in child:
            self._reports.put(Report(number, news))
