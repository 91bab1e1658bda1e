"""Who hears of a command's events: stderr, stdout and the log file, set up in one place."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from deeptsr.events import Event, Listener

from .console.json_lines import Log, print_json, print_line
from .console.lines import Talk, draws
from .console.sentences import as_flags, sentence
from .exit_codes import endings

__all__ = ["Manner", "conversation"]


@dataclass(frozen=True)
class Manner:
    """How the user wants to be spoken to."""

    quiet: bool = False  # only warnings and errors on stderr
    verbose: bool = False  # more on stderr
    as_json: bool = False  # events on stdout; on stderr as if quiet, unless verbose
    log_file: str | None = None


@contextlib.contextmanager
def conversation(
    manner: Manner,
    answer: type[Event] | None = None,
    *,
    draw: Callable[[Event, bool], None] | None = None,
    resumes: bool = True,
) -> Iterator[Listener]:
    """Give the listener for a command's events, and end the command when the block fails.

    Args:
        manner: how the user wants to be spoken to.
        answer: the kind of event that the command was asked for, if any: data, so it goes to
            stdout, whatever the manner.
        draw: shows the answer where stdout is a terminal, in all its figures if its second argument
            is true; None: as plain text.
        resumes: whether the command, given again, goes on from where it was interrupted.

    Raises:
        SystemExit: see :func:`endings`.
    """
    listeners: list[Listener] = []

    def tell(event: Event) -> None:
        event = as_flags(event)
        for listener in listeners:
            listener(event)

    with contextlib.ExitStack() as stack:
        talk = stack.enter_context(_talk(manner))
        if manner.as_json:
            listeners += [talk, print_json]
        elif answer is not None:
            listeners.append(_split(answer, talk, draw, manner.verbose))
        else:
            listeners.append(talk)
        with endings(tell, resumes=resumes):
            if manner.log_file is not None:
                # First of all, so that the log has what stdout could not take. On the outer stack,
                # so that it is still open when the block has failed.
                listeners.insert(0, stack.enter_context(Log(manner.log_file, tell)))
            yield tell


def _talk(manner: Manner) -> Talk:
    quiet = manner.quiet or (manner.as_json and not manner.verbose)
    if draws(sys.stderr) and not quiet and not manner.as_json:
        # Here: `deeptsr --help` does not wait for rich.
        from .console.progress_bar import Bar  # noqa: PLC0415

        return Bar(sys.stderr, verbose=manner.verbose)
    return Talk(sys.stderr, quiet=quiet, verbose=manner.verbose)


def _split(
    answer: type[Event], talk: Talk, draw: Callable[[Event, bool], None] | None, verbose: bool
) -> Listener:
    def listen(event: Event) -> None:
        if isinstance(event, answer):
            talk.clear()
            if draw is not None and draws(sys.stdout):
                draw(event, verbose)
                return
            print_line(sentence(event, verbose=verbose))
        else:
            talk(event)

    return listen
