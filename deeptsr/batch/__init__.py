"""Many videos: one process each, the longest first, on this machine or on a Ray cluster.

::

    find_tasks ──▶ run_batch ──▶ Engine ──▶ child processes, each of which upscales one video
                     │             ├── LocalEngine    on this machine
                     ▼             └── RayEngine      on a cluster
                  Manifest
"""

from __future__ import annotations

from deeptsr.batch.engine import Engine, Work
from deeptsr.batch.local import LocalEngine, Slot, slots
from deeptsr.batch.manifest import Manifest, configuration_hash
from deeptsr.batch.schedule import run_batch
from deeptsr.batch.tasks import Task, find_tasks

__all__ = [
    "Engine",
    "LocalEngine",
    "Manifest",
    "Slot",
    "Task",
    "Work",
    "configuration_hash",
    "find_tasks",
    "run_batch",
    "slots",
]
