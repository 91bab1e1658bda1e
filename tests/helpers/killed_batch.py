"""A batch of quick children that a test kills: ``python -m tests.helpers.killed_batch FOLDER``."""

import sys
from pathlib import Path

from deeptsr.jobs.batch import LocalEngine, Manifest, Slot, Task, run_batch


def main(folder):
    """Run it, or go on with it."""
    inputs = sorted(Path(folder, "in").iterdir())
    tasks = [Task(p.name, p, Path(folder, "out", p.name), 1.0) for p in inputs]
    engine = LocalEngine([Slot("cpu", 1)] * 2, "tests.helpers.fake_cli")
    with Manifest(Path(folder, "out", "batch.jsonl")) as manifest:
        return run_batch(tasks, engine, manifest, "c").failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
