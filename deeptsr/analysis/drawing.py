"""matplotlib with its own settings, and with none of the current folder's.

It reads a file named ``matplotlibrc`` there, which may have come with the videos: releases before
3.11 run what stands in it, and all of them start TeX where it says so.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

__all__ = ["matplotlib_as_it_comes"]

_SETTINGS = "matplotlibrc"  # what it asks for in the current folder, by this very name


@contextmanager
def matplotlib_as_it_comes() -> Iterator[ModuleType]:
    """Give matplotlib, whose settings are its own while the block runs."""
    # It takes long to import: only what draws waits for it.
    matplotlib = _imported()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield matplotlib


def _imported() -> ModuleType:
    if "matplotlib" not in sys.modules:  # who has it already has chosen its settings
        usual = os.path.exists
        hidden = {"exists": lambda path: path != _SETTINGS and usual(path)}
        vars(os.path).update(hidden)
        try:
            import matplotlib  # noqa: F401, PLC0415
        finally:
            vars(os.path).update(exists=usual)
    return sys.modules["matplotlib"]
