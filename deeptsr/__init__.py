"""Zero-shot temporal super-resolution of a single video.

>>> import deeptsr
>>> options = deeptsr.preset("balanced", factor=4)
>>> options.factor, options.network.blocks
(4, 6)
>>> deeptsr.upscale_file("input.mp4", "out.mp4", options)  # doctest: +SKIP
>>> fine = deeptsr.upscale_array(frames, options)  # doctest: +SKIP
>>> model = deeptsr.fit(frames, options)  # doctest: +SKIP
>>> fine = model.upscale(other_frames)  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Looked up on first use, so that `import deeptsr` does not wait for torch.
_HOME = {
    "DeeptsrError": "errors",
    "DeviceError": "errors",
    "InputError": "errors",
    "OptionError": "errors",
    "Options": "config",
    "OutputError": "errors",
    "ResourceError": "errors",
    "degrade_file": "jobs.degrade",
    "Model": "jobs.model.model",
    "evaluate_file": "jobs.evaluate",
    "fit": "jobs.model.model",
    "load": "jobs.model.model",
    "preset": "config",
    "probe_file": "jobs.probe",
    "upscale_array": "jobs.upscale",
    "upscale_file": "jobs.upscale",
}

__all__ = sorted(_HOME)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'deeptsr' has no attribute {name!r}")
    return getattr(importlib.import_module(f"deeptsr.{_HOME[name]}"), name)
