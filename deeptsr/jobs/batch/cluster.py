"""The engine of a cluster: each attempt is a task of Ray, which finds a machine for it.

Every machine needs deeptsr, and the folders of inputs and outputs under the same paths.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deeptsr.errors import DeviceError, OptionError
from deeptsr.jobs.batch.child import Child, Ended, News, environment
from deeptsr.jobs.batch.engine import Report, Work
from deeptsr.jobs.batch.local import THREADS, command_of

__all__ = ["RayEngine"]

_POLL = 0.2  # seconds
_LOST = 137  # as if the child had been killed, which it was or will be


class RayEngine:
    """Runs each attempt in a child process of a Ray worker.

    Args:
        address: "auto" for the cluster that this machine belongs to, "local" for one that lives as
            long as this process, or host:port.
        device: "cuda" to ask for a GPU an attempt, "cpu" for none, "auto" for GPUs where the
            cluster has any.
        jobs: attempts at a time; None: one a GPU, or one for each four cores.
        module: that each machine's Python runs as deeptsr's command line.

    Raises:
        OptionError: when Ray is not installed, or there is no such cluster.
        DeviceError: when the cluster has no GPU and one is asked for.
    """

    def __init__(self, address: str, device: str, jobs: int | None, module: str) -> None:
        if address == "local":  # Ray listens on all interfaces: with a token to whom has that alone
            os.environ.setdefault("RAY_AUTH_MODE", "token")  # Ray reads it when it is imported
        try:
            import ray  # noqa: PLC0415, an extra
        except ImportError:
            raise OptionError(
                "the engine is ray, which is not installed; pip install 'deeptsr[ray]', or take "
                "--engine local"
            ) from None
        self._ray: Any = ray  # its own types are half-done
        self._mine = not self._ray.is_initialized()
        if self._mine:
            _connect(self._ray, address)
        try:
            has = self._ray.cluster_resources()
            gpus, cores = int(has.get("GPU", 0)), int(has.get("CPU", 0))
            if device == "cuda" and not gpus:
                raise DeviceError(
                    "the device is cuda, and the Ray cluster has no GPU; expected at least one; "
                    "take --devices cpu"
                )
            on_gpu = gpus > 0 and device != "cpu"
            widest = max(int(n["Resources"].get("CPU", 0)) for n in self._ray.nodes() if n["Alive"])
            self.jobs = jobs or (gpus if on_gpu else max(1, cores // THREADS))
            threads = max(1, min(cores // self.jobs, widest))
            self.device = "cuda" if on_gpu else "cpu"
            self.label = f"{self.jobs} at a time on a Ray cluster, {self.device}"
            self._module, self._threads, self._folder = module, threads, os.getcwd()
            self._remote = self._ray.remote(
                num_cpus=threads, num_gpus=int(on_gpu), max_retries=0, num_returns="streaming"
            )(_attempt)
        except BaseException:
            self.close()
            raise
        self._running: dict[Any, Work] = {}

    def close(self) -> None:
        """Leave the cluster."""
        if self._mine:
            self._ray.shutdown()

    def start(self, work: Work) -> None:
        """See :class:`~deeptsr.jobs.batch.engine.Engine`."""
        reports = self._remote.remote(self._module, work, self.device, self._threads, self._folder)
        self._running[reports] = work

    def receive(self) -> Report:
        """See :class:`~deeptsr.jobs.batch.engine.Engine`."""
        while True:
            ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=1.0)
            if ready:  # a timeout, since Ray does not let Ctrl-C through while it waits
                break
        reports = ready[0]
        number = self._running[reports].number
        try:
            news: News | Ended = self._ray.get(next(reports))
        except self._ray.exceptions.RayTaskError:
            raise  # a bug of ours
        except (self._ray.exceptions.RayError, StopIteration) as error:
            why = (str(error).splitlines() or ["no reason is known"])[0]
            news = Ended(_LOST, f"its Ray worker was lost ({why})")
        if isinstance(news, Ended):
            del self._running[reports]
        return Report(number, news)

    def stop(self) -> list[Report]:
        """See :class:`~deeptsr.jobs.batch.engine.Engine`."""
        for reports in self._running:
            self._ray.cancel(reports, force=False)
        until, ends = Child.patience(), []
        while self._running and time.monotonic() < until:
            ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=0.5)
            for reports in ready:
                try:
                    news: News | Ended = self._ray.get(next(reports))
                except (self._ray.exceptions.RayError, StopIteration):
                    del self._running[reports]
                    continue
                if isinstance(news, Ended):
                    ends.append(Report(self._running.pop(reports).number, news))
        for reports in self._running:
            self._ray.cancel(reports, force=True)
        return ends


def _connect(ray: Any, address: str) -> None:
    try:
        with _elsewhere(), _own_sigterm():
            ray.init(
                address=address,
                log_to_driver=False,  # what children have to say comes in reports
                logging_level="error",
                **({"include_dashboard": False} if address == "local" else {}),
            )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise OptionError(
            f"no Ray cluster can be reached at {address} ({error}); start one with: ray start "
            "--head; or give --address local, for this machine alone"
        ) from error


@contextmanager
def _elsewhere() -> Iterator[None]:
    """Be in the root folder meanwhile: Ray lets workers import from where it is called."""
    here = os.open(".", getattr(os, "O_PATH", os.O_RDONLY))
    try:
        os.chdir(os.sep)
        yield
    finally:
        os.fchdir(here)
        os.close(here)


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep the handler of SIGTERM, in whose place Ray puts one of its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before, ended = signal.getsignal(signal.SIGTERM), False
    try:
        yield
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException:  # the exit that Ray's own handler asks for
        ended = True
    finally:
        signal.signal(signal.SIGTERM, before)
    if ended:
        signal.raise_signal(signal.SIGTERM)


def _polled(child: Child) -> Iterator[News | Ended]:
    """Follow a child, and stay within reach: Ray interrupts only what does not block."""
    heard: queue.SimpleQueue[News | Ended] = queue.SimpleQueue()

    def hear() -> None:
        for news in child:
            heard.put(news)

    threading.Thread(target=hear, daemon=True).start()
    while True:
        try:
            news = heard.get(timeout=_POLL)
        except queue.Empty:
            continue
        yield news
        if isinstance(news, Ended):
            return


def _attempt(
    module: str, work: Work, device: str, threads: int, folder: str
) -> Iterator[News | Ended]:
    """Run on the cluster: follow one child to its end."""
    yield News(place=f"{device} on {socket.gethostname()}, process {os.getpid()}")
    child = Child(command_of(module, work, device), environment(threads), folder)
    try:
        yield from _polled(child)
    finally:  # cancelled, or the driver has gone
        child.tell_to_stop()
        child.stop(Child.patience())
