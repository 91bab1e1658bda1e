"""Who hears of a command's events: stderr, stdout and the log file, set up in one place."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import deeptsr
from deeptsr.events import Event, Listener
from deeptsr.system.distinct import check_distinct

from .console.json_lines import Log, print_json, print_line
from .console.lines import Lines, draws
from .console.notes import Detail
from .console.sentences import as_flags, sentence
from .escapes import one_line
from .exit_codes import endings

__all__ = ["Verbosity", "conversation"]


@dataclass(frozen=True)
class Verbosity:
    """How much the user wants to be told, and where."""

    quiet: bool = False  # only warnings and errors on stderr
    verbose: bool = False  # more on stderr
    as_json: bool = False  # events on stdout; on stderr as if quiet, unless verbose
    log_file: str | None = None


@contextlib.contextmanager
def conversation(
    verbosity: Verbosity,
    answer: type[Event] | None = None,
    *,
    draw: Callable[[Event, bool], None] | None = None,
    resumes: bool = True,
    reads: Mapping[str, str | None] | None = None,
    writes: Mapping[str, str | None] | None = None,
) -> Iterator[Listener]:
    """Give the listener for a command's events, and end the command when the block fails.

    The first to be told is how the command was called.

    Args:
        verbosity: how much the user wants to be told, and where.
        answer: the kind of event that the command was asked for, if any: data, so it goes to
            stdout, however quiet.
        draw: shows the answer where stdout is a terminal, in all its figures if its second argument
            is true; None: as plain text.
        resumes: whether the command, given again, goes on from where it was interrupted.
        reads: the files that the command reads, by their names for people.
        writes: the same of those that it writes; none of them, nor the log file, may be another.

    Raises:
        SystemExit: see :func:`endings`.
    """
    listeners: list[Listener] = []

    def tell(event: Event) -> None:
        event = as_flags(event)
        for listener in listeners:
            listener(event)

    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(_lines(verbosity))
        if verbosity.as_json:
            listeners += [lines, print_json]
        elif answer is not None:
            listeners.append(_split(answer, lines, draw, verbosity.verbose))
        else:
            listeners.append(lines)
        with endings(tell, resumes=resumes):
            check_distinct(reads or {}, {**(writes or {}), "the log file": verbosity.log_file})
            if verbosity.log_file is not None:
                # The log hears first, so that it has what stdout could not take. It is on the outer
                # stack, so that it is still open when the block has failed.
                listeners.insert(0, stack.enter_context(Log(verbosity.log_file, tell)))
            tell(Detail(f"deeptsr {deeptsr.__version__}: {one_line(shlex.join(sys.argv))}"))
            yield tell


def _lines(verbosity: Verbosity) -> Lines:
    quiet = verbosity.quiet or (verbosity.as_json and not verbosity.verbose)
    if draws(sys.stderr) and not quiet and not verbosity.as_json:
        # Imported here, so that `deeptsr --help` does not wait for rich.
        from .console.progress_bar import Bar  # noqa: PLC0415

        return Bar(sys.stderr, verbose=verbosity.verbose)
    return Lines(sys.stderr, quiet=quiet, verbose=verbosity.verbose)


def _split(
    answer: type[Event], lines: Lines, draw: Callable[[Event, bool], None] | None, verbose: bool
) -> Listener:
    def listen(event: Event) -> None:
        if isinstance(event, answer):
            lines.clear()
            if draw is not None and draws(sys.stdout):
                draw(event, verbose)
                return
            print_line(sentence(event, verbose=verbose))
        else:
            lines(event)

    return listen
