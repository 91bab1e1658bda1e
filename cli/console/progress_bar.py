"""The bar, for a stderr that is a terminal."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from deeptsr.events import (
    BatchDone,
    Done,
    Event,
    Progress,
    Reported,
    SelfChecked,
    StageFitted,
    VideoEnded,
    VideoProgress,
)

from ..escapes import one_line
from .eta import time_left
from .lines import Lines
from .notes import Error

__all__ = ["Bar"]

HANGING = " " * 10  # the column in which the values of the summary begin


class Bar(Lines):
    """A listener that draws one bar for the whole job, and writes the lines above it.

    The bar with the time left, and below it what is happening; then what was reached so far, which
    the last words tell again, or in a batch a line for each video that is worked on.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        verbose: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(stream, verbose=verbose, clock=clock)
        self._console = Console(file=stream, highlight=False, emoji=False, markup=False)
        self._live: Live | None = None
        self._now: Progress | None = None
        self._videos: dict[str, VideoProgress] = {}
        self._reached: list[str] = []

    def close(self) -> None:
        """Stop drawing; the bar stays where it stands."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def clear(self) -> None:
        """Take the bar away: the words that follow say all that it said."""
        if self._live is not None:
            self._live.transient = True
        self._reached.clear()
        self.close()

    def _progress(self, event: Progress) -> None:
        self._now = event
        if self._live is None:
            self._live = Live(
                get_renderable=self._draw,
                console=self._console,
                refresh_per_second=4,
                redirect_stdout=False,  # stdout is data
            )
            self._live.start()

    def _video(self, event: VideoProgress) -> None:
        self._videos[event.video] = event

    def _say(self, event: Event, text: str) -> None:
        if isinstance(event, VideoEnded):
            self._videos.pop(event.video, None)
        if isinstance(event, (StageFitted, SelfChecked)) and not self._verbose:
            self._reached.append(text)
            return
        if isinstance(event, (Done, BatchDone, Reported)):
            self.clear()
        elif isinstance(event, Error):
            self.close()
        for line in text.split("\n"):
            # Lines are broken between words only, unlike rich: a long path stays in one piece.
            wrapped = textwrap.fill(
                line,
                self._console.width,
                subsequent_indent=HANGING if line.startswith("  ") else "",
                break_long_words=False,
                break_on_hyphens=False,
            )
            coloured = Text(wrapped)
            coloured.highlight_regex("^warning:", "yellow")
            coloured.highlight_regex(r"^  gain +\+\S+ dB", "green")
            coloured.highlight_regex(r"^  gain +-\S+ dB", "yellow")
            coloured.highlight_regex("^(internal )?error:", "bold red")
            self._console.print(coloured, soft_wrap=True)

    def _draw(self) -> RenderableType:
        now = self._now or Progress(0, "read", "")
        left = self._pace.left()
        top = Table.grid(expand=True, padding=(0, 2, 0, 0))
        top.add_column(ratio=1)
        top.add_column(width=4, justify="right")
        top.add_column(width=15)  # "59 min 50 s left", which does not occur, would be longer
        top.add_row(
            ProgressBar(total=1, completed=now.fraction),
            f"{now.fraction:4.0%}",
            "" if left is None else time_left(left),
        )
        # No padding after the last line: the terminal's "^C" has room there, and moves nothing.
        return Group(
            top, Text(one_line(now.detail), no_wrap=True, overflow="ellipsis"), *self._rows()
        )

    def _rows(self) -> list[RenderableType]:
        """What was reached so far, and each video that is worked on, as many as fit."""
        room = max(1, self._console.height - 4)
        if not self._videos:
            return [Text(line, no_wrap=True, overflow="ellipsis") for line in self._reached[-room:]]
        rows = Table.grid(expand=True, padding=(0, 2, 0, 0))
        for ratio in (2, 3):
            rows.add_column(ratio=ratio, no_wrap=True, overflow="ellipsis")
        for video in list(self._videos.values())[:room]:
            rows.add_row(
                Text(f"  {one_line(video.video)}"),
                Text(f"{video.fraction:4.0%}  {one_line(video.detail)}"),
            )
        return [rows]
