"""Stdin and stdout as a video's: ``-`` in the place of a file's name."""

from __future__ import annotations

import contextlib
import errno
import io
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from deeptsr import video
from deeptsr.errors import InputError
from deeptsr.events import Event, Listener, Progress
from deeptsr.system.humanize import size

from .console.json_lines import StdoutClosedError, give_up_stdout

__all__ = ["PIPE", "Stdout", "check_pipes", "source_of", "while_read"]

PIPE = "-"
_TOLD = 100_000_000  # bytes of a pipe after which it is said again how far it is
_ON_STDOUT = {"as_json": "--json", "dry_run": "--dry-run", "preview": "--preview"}


def check_pipes(input: str, output: str, asked: dict[str, Any]) -> None:
    """Refuse what cannot go through a pipe, before anything is read.

    Args:
        input: as it was given; ``-`` is stdin.
        output: the same; ``-`` is stdout.
        asked: what else was asked for, by the names of its values.

    Raises:
        click.UsageError: for it.
    """
    if input == PIPE and _is_terminal(sys.stdin):
        raise click.UsageError(
            "the input is - and stdin is a terminal; expected a program before this one: "
            "ffmpeg -i in.mp4 -f yuv4mpegpipe - | deeptsr upscale - ..."
        )
    if output != PIPE:
        return
    for name, flag in _ON_STDOUT.items():
        if asked[name]:
            raise click.UsageError(
                f"{flag} and -o - exclude each other; expected one of them on stdout."
            )
    if asked["report"] is not None:
        raise click.UsageError("--report needs a file to look at; expected one instead of -o -.")
    if _is_terminal(sys.stdout):
        raise click.UsageError(
            "the output is - and stdout is a terminal; expected a program after this one: "
            "deeptsr upscale ... -o - | ffmpeg -i - out.mp4"
        )


@contextlib.contextmanager
def source_of(input: str, output: str, tell: Listener) -> Iterator[str]:
    """Give the file that is read: stdin is kept in one meanwhile, on the disk of the output.

    Args:
        input: as it was given.
        output: the same.
        tell: hears how much there is.

    Raises:
        InputError: when stdin is closed, or nothing comes.
    """
    if input != PIPE:
        yield input
        return
    if sys.stdin is None:
        raise InputError(
            "the input is - and stdin is closed; expected a program before this one: "
            "ffmpeg -i in.mp4 -f yuv4mpegpipe - | deeptsr upscale - ..."
        )
    said = 0

    def on_bytes(count: int) -> None:
        nonlocal said
        if count >= said:
            said = count + _TOLD
            tell(Progress(0.0, "read", f"reading the pipe, {size(count)}"))

    beside = None if output == PIPE else Path(output).absolute().parent
    folder = beside if beside is not None and beside.is_dir() else None
    with video.spooled(sys.stdin.buffer, folder, on_bytes) as file, _told_of_the_pipe(file):
        yield str(file)


@contextlib.contextmanager
def _told_of_the_pipe(file: Path) -> Iterator[None]:
    """Where a file of ours cannot be used, tell of the pipe that it came from."""
    try:
        yield
    except InputError as error:
        if str(file) not in str(error):
            raise
        what = str(error).replace(str(file), "what came through the pipe")
        raise InputError(f"{what}; see what the program before it says") from error


def while_read(tell: Listener) -> Listener:
    """Pass events on while somebody reads stdout: else hours of fitting would be for nobody.

    Args:
        tell: hears them. Where the reader has gone, the listener that is returned raises
            :class:`StdoutClosedError` before a frame is there whose writing would tell.
    """

    def listen(event: Event) -> None:
        if isinstance(event, Progress) and event.phase != "render" and _is_left(sys.stdout):
            give_up_stdout()
            raise StdoutClosedError from BrokenPipeError(errno.EPIPE, "nobody reads it")
        tell(event)

    return listen


class Stdout(io.RawIOBase):
    """Stdout as a stream of bytes, whose end is told as the end of data on stdout is."""

    def writable(self) -> bool:
        """Whether it takes bytes: it does."""
        return True

    def write(self, data: Any) -> int:
        """Write bytes.

        Raises:
            StdoutClosedError: when stdout takes no more.
        """
        if sys.stdout is None:
            raise StdoutClosedError from OSError(errno.EBADF, "it is closed")
        try:
            return sys.stdout.buffer.write(data)
        except OSError as error:
            give_up_stdout()
            raise StdoutClosedError from error

    def flush(self) -> None:
        """Pass on what is held back.

        Raises:
            StdoutClosedError: when stdout takes no more.
        """
        if sys.stdout is None:
            return
        try:
            sys.stdout.buffer.flush()
        except OSError as error:
            give_up_stdout()
            raise StdoutClosedError from error


def _is_terminal(stream: Any) -> bool:
    return stream is not None and stream.isatty()


def _is_left(stream: Any) -> bool:
    """Whether it is a pipe that nobody reads any more."""
    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)
    except (AttributeError, OSError):  # it is closed, or a program's own: writing tells
        return False
    return any(flags & (select.POLLERR | select.POLLHUP) for _, flags in poll.poll(0))
