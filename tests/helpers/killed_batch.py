"""A batch of quick children that is killed again and again: a program of its own, as it forks.

Run as ``python -m tests.helpers.killed_batch FOLDER KILLS``; it prints how often it killed, and
ends as the batch does that is let through.
"""

import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

from deeptsr.jobs.batch import LocalEngine, Manifest, Slot, Task, run_batch

LONGEST = 0.5  # seconds that a batch is let run: two children of 0.3 s, or less


def batch(folder):
    """Run it, or go on with it."""
    inputs = sorted(Path(folder, "in").iterdir())
    tasks = [Task(p.name, p, Path(folder, "out", p.name), 1.0) for p in inputs]
    engine = LocalEngine([Slot("cpu", 1)] * 2, "tests.helpers.fake_cli")
    with Manifest(Path(folder, "out", "batch.jsonl")) as manifest:
        return run_batch(tasks, engine, manifest, "c").failed


def forked(folder):
    """Begin it in a process of its own."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = batch(folder)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def main(folder, most):
    """Kill it at so many moments, and let it come to its end."""
    draw, kills = random.Random(1), 0
    while kills < int(most):
        child = forked(folder)
        time.sleep(draw.uniform(0, LONGEST))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        kills += os.WIFSIGNALED(status)
        if not os.WIFSIGNALED(status):
            break
    print(kills)
    return os.waitstatus_to_exitcode(os.waitpid(forked(folder), 0)[1])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
