"""The page at the end of a batch: all its videos, before and after, each with what became of it."""

from __future__ import annotations

from deeptsr.report.sheet.page import check_sheet, write_sheet
from deeptsr.report.sheet.shown import Shown

__all__ = ["Shown", "check_sheet", "write_sheet"]
