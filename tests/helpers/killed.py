"""Runs that are killed and go on, for test_resume: a program of its own, as it forks.

It imports once and forks for every run: a fork costs milliseconds, an import of torch seconds. Run
as ``python -m tests.helpers.killed MODE FOLDER``; it prints what came of it as JSON.
"""

import functools
import json
import os
import random
import signal
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import torch

import deeptsr.video.reading.reader
import deeptsr.video.writing.writer  # noqa: F401, the same
from deeptsr.config import NETWORKS, NetworkSettings, PyramidSettings
from deeptsr.jobs.resources import memory
from deeptsr.jobs.upscale import upscale_file
from deeptsr.learning import checkpoints
from deeptsr.system import ours
from tests.helpers.clips import clip
from tests.helpers.synth import FIT, tiny

KILLS = 20
FRAMES = 12
WIDTH, HEIGHT = 32, 18
OPTIONS = tiny(
    2,
    fit=replace(FIT, steps=6, checks=2),
    pyramid=PyramidSettings(coarsest=Fraction(1), voxels=WIDTH * HEIGHT * 2 * 4, excerpt=16),
)


def forked(work, kill_after=None):
    """Run in a child, and kill it after so many seconds; whether it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    assert os.WEXITSTATUS(status) == 0, "the run failed"
    return True


def content(path):
    """All bytes of a file or of a folder's files."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [(f.name if path.is_dir() else "", f.read_bytes()) for f in files]


def at_random_moments(source, folder):
    """Kill at moments drawn over the time that a whole run takes, going on after each."""
    whole = folder / "whole" / "out.mkv"
    began = time.monotonic()
    assert forked(lambda: upscale_file(source, whole, OPTIONS))
    takes = time.monotonic() - began
    draw, kills, finished, same = random.Random(0), 0, 0, 0
    while kills < KILLS:
        out = folder / f"out{finished}.mkv"
        while True:
            after = draw.uniform(0, 0.5 * takes) if kills < KILLS else None
            if forked(lambda out=out: upscale_file(source, out, OPTIONS), after):
                break
            kills += 1
            if out.exists():  # killed between its name and its end: a rerun finds it whole
                forked(lambda out=out: upscale_file(source, out, OPTIONS))
                break
        finished += 1
        same += content(out) == content(whole)
        left = [p.name for p in folder.iterdir() if p.name.startswith(".")]
        assert not left, left
    return {"kills": kills, "finished": finished, "same": same, "seconds": takes}


def every_network(source, folder):
    """Kill a run of each network twice, sooner where it was done before that, and go on."""
    same = {}
    for name in NETWORKS:
        options = replace(OPTIONS, network=NetworkSettings(name, 4, 1))
        whole, out = folder / "whole" / f"{name}.mkv", folder / f"{name}.mkv"
        began = time.monotonic()
        assert forked(lambda o=options, to=whole: upscale_file(source, to, o))
        after, kills = 0.5 * (time.monotonic() - began), 0
        while kills < 2:
            if forked(lambda o=options, to=out: upscale_file(source, to, o), after):
                after /= 2
            else:
                kills += 1
            out.unlink(missing_ok=True)  # it was done, or all but done
        assert forked(lambda o=options, to=out: upscale_file(source, to, o))
        same[name] = content(out) == content(whole)
    return same


class Steps:
    """Counts what is made durable, and kills its own process at one of these moments."""

    def __init__(self, last):
        self.left = last

    def __call__(self, function, *arguments, **settings):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **settings)


def at_every_durable_step(source, folder, name):
    """Kill before the first, second, ... rename, flush or removal, each run going on from the last.

    A run that goes on has fewer left; so the count goes up until a run gets through.
    """
    whole, out = folder / "whole" / name, folder / name
    assert forked(lambda: upscale_file(source, f"{whole}/" if name == "out" else whole, OPTIONS))
    kills = 0

    def run(last):
        step = Steps(last)
        renames = ((os, "replace"), (os, "rename"), (ours, "_rename_no_replace"))
        for holder, called in (*renames, (os, "fsync"), (Path, "unlink")):
            setattr(
                holder,
                called,
                functools.partialmethod(step_method, step, getattr(holder, called))
                if holder is Path
                else functools.partial(step, getattr(holder, called)),
            )
        upscale_file(source, f"{out}/" if name == "out" else out, OPTIONS)

    def step_method(self, step, function, *arguments, **settings):
        return step(function, self, *arguments, **settings)

    last = 1
    while not forked(functools.partial(run, last)):
        kills += 1
        last += 1
        if out.exists() and not (folder / f".{name}.deeptsr").exists():
            break
        assert kills < 400
    for left in folder.glob(f".{name}.lock"):
        left.unlink()
    return {
        "kills": kills,
        "same": content(out) == content(whole),
        "left": sorted(p.name for p in folder.iterdir() if p.name.startswith(".")),
    }


def main(mode, folder):
    """Make a clip and do what the mode says."""
    torch.set_num_threads(1)
    folder = Path(folder)
    (folder / "whole").mkdir()
    size = f"{WIDTH}x{HEIGHT}"
    source = clip(
        folder / "in.mkv", "-c:v", "ffv1", "-c:a", "aac", size=size, frames=FRAMES, sound=1
    )
    memory._PART = 16
    checkpoints._INTERVAL = 0.0
    if mode == "random":
        print(json.dumps(at_random_moments(source, folder)))
    elif mode == "networks":
        print(json.dumps(every_network(source, folder)))
    else:
        print(json.dumps(at_every_durable_step(source, folder, mode)))


if __name__ == "__main__":
    main(*sys.argv[1:])
