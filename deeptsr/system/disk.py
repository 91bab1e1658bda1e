"""Whether there is space on a disk, before the work and while it goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

from deeptsr.errors import ResourceError
from deeptsr.events import Listener, Warned
from deeptsr.system.humanize import size

__all__ = ["DiskSpace"]

_SURELY = 4  # an estimate may be so many times too high, and is no reason to refuse before that
_SPARE = 1.5  # parts differ in size


class DiskSpace:
    """Whether the output and its parts fit on their disks.

    Args:
        work: the folder of the parts, or where it will be made.
        output: the folder of the output.
        bulk: bytes of the output and of its parts, as far as they can be known before.
        on_event: is told once when it looks as if it will not fit.
    """

    def __init__(self, work: Path, output: Path, bulk: tuple[int, int], on_event: Listener) -> None:
        self._work, self._output = _existing(work), _existing(output)
        self._on_event, self._told, (whole, parts) = on_event, False, bulk
        self._whole = whole
        if self._lacks(parts / _SURELY, whole / _SURELY):
            joined = ", and as much again while it is put together" if parts else ""
            raise ResourceError(
                f"the output needs about {size(whole)}{joined}; {self._work} has "
                f"{size(self._free(self._work))} left; expected more; free some space, or choose "
                "another place for the output or another `work_dir`"
            )
        self._warn(parts, whole)

    def check(self, frames: int, total: int, written: int, part: int) -> None:
        """Look again when a part is finished.

        Args:
            frames: in the finished parts.
            total: frames of the output.
            written: bytes of the finished parts.
            part: bytes of the largest of them.

        Raises:
            ResourceError: when not even the next part fits.
        """
        if frames < total and self._free(self._work) < _SPARE * part:
            raise ResourceError(
                f"{self._work} has {size(self._free(self._work))} left after {frames} of {total} "
                f"frames; expected {size(_SPARE * part)} for the next; what is finished is kept; "
                "free some space and run the same command again"
            )
        if written:
            whole = round(written / max(1, frames) * total)
            self._warn(whole - written, whole)
        else:  # images, which are written once
            self._warn(0, self._whole * (1 - frames / total))

    def _warn(self, parts: float, output: float) -> None:
        if not self._told and self._lacks(parts, output):
            self._told = True
            self._on_event(
                Warned(
                    f"the disk may run full: {self._work} has {size(self._free(self._work))} left "
                    f"and about {size(parts + output)} more are needed; what is finished is kept "
                    "in any case"
                )
            )

    def _lacks(self, parts: float, output: float) -> bool:
        if self._work.stat().st_dev == self._output.stat().st_dev:
            return self._free(self._work) < parts + output
        return self._free(self._work) < parts or self._free(self._output) < output

    @staticmethod
    def _free(folder: Path) -> int:
        return shutil.disk_usage(folder).free


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return folder
