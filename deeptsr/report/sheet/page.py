"""One self-contained page of all videos of a batch."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

import deeptsr
from deeptsr.errors import OutputError
from deeptsr.events import Listener, Progress, Reported, ignore
from deeptsr.report.page import environment
from deeptsr.report.sheet.shown import Shown
from deeptsr.report.sheet.tiles import GAP, SIDE, Tile, take
from deeptsr.system.files import write_whole

__all__ = ["check_sheet", "write_sheet"]

_OURS = '<meta name="generator" content="deeptsr batch'
_HEAD = 4096  # characters of a page, among which that stands
# An image of the page, as the template writes it.
_TAKEN = re.compile(
    r'<img data-of="(?P<hash>[0-9a-f]+)" src="(?P<still>[^"]+)" data-moving="(?P<moving>[^"]+)"'
)
_PARTS = {"made": "made here, for all", "taken": "the shared one"}
_TELLS = {"sure": "sure", "likely": "likely right", "guess": "a guess"}


def check_sheet(page: Path) -> None:
    """Refuse a page that would take the place of something else, before any work.

    Raises:
        OutputError: when there is a file under its name that no batch wrote, or a link.
    """
    if os.path.islink(page):
        raise OutputError(
            f"{page} is a symbolic link; expected room for the page of this batch; remove it"
        )
    if not os.path.lexists(page):
        return
    ours = False
    with suppress(OSError):
        if page.is_file():  # a pipe would be waited for
            with page.open(encoding="utf-8", errors="replace") as file:
                ours = _OURS in file.read(_HEAD)
    if not ours:
        raise OutputError(
            f"{page} exists, and no batch wrote it; expected room for the page of this batch; move "
            "it away, or choose another folder"
        )


def write_sheet(
    page: Path,
    videos: Sequence[Shown],
    options: Mapping[str, Any],
    *,
    command: str = "",
    on_event: Listener = ignore,
) -> Reported:
    """Write the page of a batch.

    What an earlier page of it shows of a result that is still the same is taken from there.

    Args:
        page: an HTML file; one that exists is replaced.
        videos: all of them, in the order in which they are shown.
        options: of the batch, by name.
        command: the command line, where there is one.
        on_event: hears which video is looked at.

    Returns:
        What was written.

    Raises:
        OutputError: when the page cannot be written, or something else has its name.
        ResourceError: when the disk is full.
    """
    known, tiles = _known(page), list[Tile | None]()
    for number, shown in enumerate(videos):
        detail = f"the page of the batch, video {number + 1} of {len(videos)}"
        on_event(Progress(1.0, "report", detail))
        tile = known.get(shown.result_hash)
        if tile is None and not shown.failed:
            tile = take(shown.source, shown.output, options)
        tiles.append(tile)
    gains = [v.gain_db for v in videos if v.gain_db is not None and not v.failed]
    text = (
        environment()
        .get_template("sheet.html")
        .render(
            version=deeptsr.__version__,
            videos=list(zip(videos, tiles, strict=True)),
            count={
                "failed": sum(v.failed for v in videos),
                "guess": sum(v.confidence == "guess" and not v.failed for v in videos),
                "warned": sum(bool(v.warnings) for v in videos),
            },
            gain=median(gains) if gains else None,
            seconds=sum(v.seconds for v in videos),
            link=lambda path: _link(path, page.parent),
            tells=_TELLS,
            parts=_PARTS,
            shared=any(v.fit for v in videos),
            size=(2 * SIDE + GAP, SIDE),
            options=options,
            command=command,
        )
    ).encode(errors="backslashreplace")
    check_sheet(page)
    write_whole(page, lambda aside: aside.write_bytes(text), replace=True)
    return Reported(str(page), len(text))


def _known(page: Path) -> dict[str, Tile]:
    """Read the pictures of an earlier page, by the hash of the result that they show."""
    try:
        text = page.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    return {m["hash"]: Tile(m["still"], m["moving"]) for m in _TAKEN.finditer(text)}


def _link(path: Path, folder: Path) -> str:
    return quote(os.fsencode(os.path.relpath(path, folder)))
