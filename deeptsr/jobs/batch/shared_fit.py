"""One fit for all videos of a batch: which of them makes it, and who waits for it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from deeptsr.errors import OutputError
from deeptsr.jobs.batch.manifest import Entry, Manifest

__all__ = ["MADE", "TAKEN", "SharedFit"]

MADE, TAKEN = "made", "taken"  # a video's part in it, as the manifest and the events have it
_MISUSED = 2  # exit code of a child that cannot do what it was told


class SharedFit:
    """The fit that the videos of a batch share.

    The first in turn, which is the longest, makes it, of the stretch in which most moves. The
    others begin when it is kept, and take it over; one that it does not suit is fitted by itself.
    Where the first fails before, the next in turn makes it. One that an earlier batch of the same
    settings made is taken by all.

    Args:
        path: of its file.
        manifest: of the folder of results, which tells whose fit stands there.
        configuration: see :func:`~deeptsr.jobs.batch.manifest.configuration_hash`.
        overwrite: whether what other settings made may be replaced.

    Attributes:
        path: of its file.

    Raises:
        OutputError: where something else has its name.
    """

    def __init__(
        self, path: Path, manifest: Manifest, configuration: str, *, overwrite: bool
    ) -> None:
        self.path, self._manifest, self._configuration = path, manifest, configuration
        self._maker: int | None = None  # the video that all wait for
        makers = {entry.configuration_hash for entry in manifest.entries() if entry.fit}
        there = os.path.lexists(path)
        if os.path.islink(path):  # the children would take it for the user's wish
            raise OutputError(
                f"{path} is a symbolic link; expected this name to be free, or the fit of a batch; "
                "move it away, or choose another folder"
            )
        self._kept = there and configuration in makers
        if there and not makers:
            raise OutputError(
                f"{path} exists, and no batch of this folder made it; expected room for the fit "
                "that the videos share; move it away, or choose another folder"
            )
        if there and not self._kept and not overwrite:
            raise OutputError(
                f"{path} was fitted with other settings; expected those of this batch; have it "
                "replaced with `overwrite`, or choose another folder"
            )

    @property
    def awaited_of(self) -> int | None:
        """The video at work that has it to make yet; None: nobody waits."""
        return self._maker

    def part_of(self, output: Path) -> str:
        """A video's part in it, when its first attempt begins.

        Args:
            output: of the video.
        """
        before = self._manifest.last(output)
        if self._kept:
            # What is left of the work of the video that made it is of use to that part alone.
            begun = (
                before is not None
                and (before.configuration_hash, before.fit) == (self._configuration, MADE)
                and before.state != "done"
            )
            return MADE if begun else TAKEN
        for entry in self._manifest.entries():  # whose part it was, and who did not come so far
            if entry.fit == MADE and entry.state != "done" and entry.output != str(output):
                self._manifest.add(replace(entry, fit=None))
        return MADE

    def flags(self, number: int, part: str | None) -> tuple[str, ...]:
        """What ``deeptsr upscale`` is told when an attempt begins.

        Args:
            number: of the video.
            part: see :meth:`part_of`; None: it is fitted by itself.
        """
        if part is None:
            return ()
        if part == MADE and not self._kept:
            self._maker = number
        return ("--save-fit" if part == MADE else "--fit", str(self.path))

    def keep(self) -> None:
        """It is in its file: the others may begin."""
        self._kept, self._maker = True, None

    def end(self, number: int, exit_code: int) -> None:
        """An attempt has ended, after which nobody waits for it.

        Args:
            number: of the video.
            exit_code: of its process.
        """
        if number == self._maker:
            self._maker = None
            # A run that was whole before has nothing to tell.
            self._kept = exit_code == 0 and self.path.exists()

    @staticmethod
    def misfits(entry: Entry) -> bool:
        """Whether a video has to be fitted by itself, as its process could not take this fit."""
        return entry.fit == TAKEN and entry.exit_code == _MISUSED
