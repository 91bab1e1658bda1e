"""The report of a run: its record, and one self-contained page that shows it.

>>> recorder = Recorder("input.mp4", "out.mp4", options)  # doctest: +SKIP
>>> deeptsr.upscale_file("input.mp4", "out.mp4", options, recorder)  # doctest: +SKIP
>>> write_report(recorder.record(), "out.html")  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deeptsr.report.page import check_page, write_report
    from deeptsr.report.record import Record, Recorder

__all__ = ["Record", "Recorder", "check_page", "write_report"]

# Loaded on first use, so that a command line does not wait for codecs.
_HOME = {
    "Record": "record",
    "Recorder": "record",
    "check_page": "page",
    "write_report": "page",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'deeptsr.report' has no attribute {name!r}")
    return getattr(importlib.import_module(f"deeptsr.report.{_HOME[name]}"), name)
