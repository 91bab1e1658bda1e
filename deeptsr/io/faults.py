"""What FFmpeg's decoders complain of, which some tell nowhere but in FFmpeg's log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from av import logging

__all__ = ["complaints"]

_ONE_LOG = Lock()  # all of FFmpeg has a single one


@contextmanager
def complaints() -> Iterator[list[tuple[int, str, str]]]:
    """Collect the errors that FFmpeg logs meanwhile: (level, who, what), none of them printed.

    Only for calls that end when all of their work is done. A decoder that works on in threads of
    its own could wait for Python here while Python waits for it.
    """
    with _ONE_LOG:
        level, skip = logging.get_level(), logging.get_skip_repeated()
        logging.set_level(logging.ERROR)
        logging.set_skip_repeated(False)  # the last one of the file before counts as repeated, too
        try:
            with logging.Capture(local=False) as told:
                yield told
        finally:
            logging.set_level(level)
            logging.set_skip_repeated(skip)
