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
    from deeptsr.report.sheet import Shown, check_sheet, write_sheet

__all__ = [
    "Record",
    "Recorder",
    "Shown",
    "check_page",
    "check_sheet",
    "write_report",
    "write_sheet",
]

# Loaded on first use, so that a command line does not wait for codecs.
_HOME = {
    "Record": "record",
    "Recorder": "record",
    "Shown": "sheet",
    "check_page": "page",
    "check_sheet": "sheet",
    "write_report": "page",
    "write_sheet": "sheet",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'deeptsr.report' has no attribute {name!r}")
    return getattr(importlib.import_module(f"deeptsr.report.{_HOME[name]}"), name)
