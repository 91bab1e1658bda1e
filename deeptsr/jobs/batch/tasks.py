"""Which videos a batch takes, and where their results go."""

from __future__ import annotations

import codecs
import fnmatch
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deeptsr import video
from deeptsr.errors import InputError, OptionError, OutputError
from deeptsr.system.files import at_once

__all__ = ["Task", "find_tasks"]

# What a folder is searched for; GIFs too, which are hardly ever a still picture.
_VIDEOS = frozenset((*video.CONTAINERS, ".3gp", ".flv", ".m2ts", ".mpeg", ".mpg", ".mts", ".mxf"))
_VIDEOS |= {".ogv", ".ts", ".wmv"}
_MOST = 1 << 26  # bytes of a list
_LONGEST_NAME = 255  # bytes, that file systems hold
_DEFAULT_SUFFIX = ".mp4"  # where the input's own cannot be written


@dataclass(frozen=True)
class Task:
    """One video of a batch."""

    name: str  # its path below the folder that all of them share
    input: Path  # absolute
    output: Path  # absolute
    rough_size: float  # about its pixels x frames; 0 where it cannot be read

    @property
    def page(self) -> Path | None:
        """Where its report goes: beside the result; None where no such name can be given."""
        name = self.output.name + ".html"
        return self.output.with_name(name) if len(os.fsencode(name)) <= _LONGEST_NAME else None


def find_tasks(
    source: str | Path, target: str | Path, *, pattern: str | None = None, suffix: str | None = None
) -> tuple[Task, ...]:
    """Find the videos of a batch, the longest first.

    Args:
        source: a folder, searched with all folders in it; or a text file that names a video or a
            folder of images a line, relative to the current folder.
        target: the folder for the results, in which the folders of the source are mirrored.
        pattern: only files whose name, or whose path below the folder, matches it, such as
            "*.mp4"; None: what looks like a video. Hidden files are overlooked.
        suffix: of the outputs, such as ".mkv"; None: the input's own, or ".mp4" added to it where
            its own cannot be written.

    Raises:
        InputError: when there is nothing to do.
        OptionError: for an unknown suffix, or where two inputs have the same output.
    """
    source, target = Path(os.path.abspath(source)), Path(os.path.abspath(target))
    if suffix is not None and suffix not in video.CONTAINERS:
        raise OptionError(f"suffix is {suffix!r}; expected one of {', '.join(video.CONTAINERS)}")
    if os.path.isdir(source):  # of names that no file can have: no
        if source == target:
            raise OutputError(
                f"{target} is the folder of the inputs; expected another one for the results"
            )
        root, inputs = source, list(_search(source, target, pattern))
    else:
        inputs = list(_listed(source, pattern))
        root = Path(os.path.commonpath([path.parent for path in inputs])) if inputs else source
    if not inputs:
        looked = f"matching {pattern!r}" if pattern else "with the ending of a video"
        raise InputError(
            f"{source} holds no file {looked}; expected a folder of videos, or a text file that "
            "names one a line; choose another --pattern"
        )
    tasks: dict[Path, Task] = {}
    for path in inputs:
        name = path.relative_to(root)
        output = target / _renamed(name, suffix)
        if output in tasks:
            raise OptionError(
                f"{tasks[output].input} and {path} would both become {output}; expected different "
                "names; rename one of them"
            )
        tasks[output] = Task(name.as_posix(), path, output, video.rough_size(path))
    # Equal ones are sorted by name, so that a batch's order can be told beforehand.
    return tuple(sorted(tasks.values(), key=lambda task: (-task.rough_size, task.name)))


def _search(folder: Path, target: Path, pattern: str | None) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        here = Path(place)
        # An output folder in the input folder is no input.
        folders[:] = [f for f in folders if not f.startswith(".") and here / f != target]
        for file in files:
            path = here / file
            if not file.startswith(".") and _wanted(path, path.relative_to(folder), pattern):
                yield path


def _listed(file: Path, pattern: str | None) -> Iterable[Path]:
    try:
        with open(file, "rb", opener=at_once) as stream:
            data = stream.read(_MOST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{file} cannot be read ({reason}); expected a folder of videos, or a text "
            "file that names one a line"
        ) from None
    text = _text(data)
    if len(data) > _MOST or "\0" in text:
        raise InputError(
            f"{file} is no text; expected a folder of videos, or a text file that names one a "
            "line; for a single video use deeptsr upscale"
        )
    # splitlines would split names at characters that no editor ends a line with.
    lines = re.split(r"\r\n?|\n", text)
    paths = dict.fromkeys(_named(line) for line in lines if line.strip())
    return [p for p in paths if pattern is None or _wanted(p, p, pattern)]


def _text(data: bytes) -> str:
    """Decode a list as editors and shells save it, with or without a byte order mark."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    # Names need not be UTF-8.
    return os.fsdecode(data.removeprefix(codecs.BOM_UTF8))


def _named(line: str) -> Path:
    """Return the path that a line names; blanks around it are none of it, unless it is so named."""
    path = Path(os.path.abspath(line))
    return path if os.path.lexists(path) else Path(os.path.abspath(line.strip()))


def _wanted(path: Path, name: Path, pattern: str | None) -> bool:
    if pattern is None:
        return path.suffix.lower() in _VIDEOS
    return fnmatch.fnmatch(path.name, pattern) or fnmatch.fnmatch(str(name), pattern)


def _renamed(name: Path, suffix: str | None) -> Path:
    if suffix is not None:
        return name.with_suffix(suffix)
    if name.suffix.lower() in video.CONTAINERS:
        return name
    return name.with_name(name.name + _DEFAULT_SUFFIX)
