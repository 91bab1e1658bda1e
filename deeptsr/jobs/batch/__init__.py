"""Many videos: one process each, the longest first, on this machine or on a Ray cluster.

::

    find_tasks ──▶ run_batch ──▶ Engine ──▶ child processes, each of which upscales one video
                     │             ├── LocalEngine    on this machine
                     ▼             └── RayEngine      on a cluster
                  Manifest
"""

from __future__ import annotations

from deeptsr.jobs.batch.engine import Engine, Work
from deeptsr.jobs.batch.local import LocalEngine, Slot, slots
from deeptsr.jobs.batch.manifest import Manifest, configuration_hash
from deeptsr.jobs.batch.run import run_batch
from deeptsr.jobs.batch.shared_fit import SharedFit
from deeptsr.jobs.batch.tasks import Task, find_tasks

__all__ = [
    "Engine",
    "LocalEngine",
    "Manifest",
    "SharedFit",
    "Slot",
    "Task",
    "Work",
    "configuration_hash",
    "find_tasks",
    "run_batch",
    "slots",
]
