"""The report of a run: its record, and one self-contained page that shows it.

>>> recorder = Recorder("input.mp4", "out.mp4", options)
>>> deeptsr.upscale_file("input.mp4", "out.mp4", options, recorder)
>>> write_report(recorder.record(), "out.html")
"""

from __future__ import annotations

from deeptsr.report.page import check_page, write_report
from deeptsr.report.record import Record, Recorder

__all__ = ["Record", "Recorder", "check_page", "write_report"]
