"""What deeptsr does for you, a file for each command: here method and files meet."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deeptsr.jobs.degrade import degrade_file
    from deeptsr.jobs.doctor.examine import examine
    from deeptsr.jobs.evaluate import evaluate_file
    from deeptsr.jobs.inspect import inspect_file
    from deeptsr.jobs.pipes.upscale_pipe import upscale_pipe
    from deeptsr.jobs.pretrain.teach import pretrain_file
    from deeptsr.jobs.preview.look import look
    from deeptsr.jobs.probe import plan_file, probe_file
    from deeptsr.jobs.upscale import upscale_array, upscale_file

__all__ = [
    "degrade_file",
    "evaluate_file",
    "examine",
    "inspect_file",
    "look",
    "plan_file",
    "pretrain_file",
    "probe_file",
    "upscale_array",
    "upscale_file",
    "upscale_pipe",
]

# Loaded on first use, so that a command line does not wait for torch.
_HOME = {
    "degrade_file": "degrade",
    "evaluate_file": "evaluate",
    "examine": "doctor.examine",
    "inspect_file": "inspect",
    "look": "preview.look",
    "plan_file": "probe",
    "pretrain_file": "pretrain.teach",
    "probe_file": "probe",
    "upscale_array": "upscale",
    "upscale_file": "upscale",
    "upscale_pipe": "pipes.upscale_pipe",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'deeptsr.jobs' has no attribute {name!r}")
    return getattr(importlib.import_module(f"deeptsr.jobs.{_HOME[name]}"), name)
