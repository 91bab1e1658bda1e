"""Where an output goes: a video file, a GIF, or a folder of PNGs; and whether it may go there."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path

from deeptsr.errors import DeeptsrError, OutputError
from deeptsr.system.files import hidden_beside
from deeptsr.system.humanize import counted

__all__ = ["CONTAINERS", "Container", "Destination", "check_place", "destination_of", "name_of"]


@dataclass(frozen=True)
class Container:
    """A file format for video.

    Attributes:
        format: FFmpeg's name of the muxer.
        codec: the encoder that suits it.
        audio: encoders for sound that it cannot hold as it is, the best first.
        options: of the muxer.
        ticks: timestamps a second, where the format has a fixed clock; 0 where it has not.
        edit_list: whether it can hide sound that lies before the first frame.
        variable: whether its frames can be shown for different times.
        late_start: whether its picture can begin later than its sound.
        deep: the encoder that suits more than 8 bits a sample.
        alpha: the encoder that suits transparent pictures; "": there is none.
    """

    format: str
    codec: str
    audio: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()
    ticks: int = 0
    edit_list: bool = False
    variable: bool = True
    late_start: bool = True
    deep: str = "libx265"
    alpha: str = ""


# The index of MP4 and MOV goes to the front, so that a browser can play while it loads.
_FASTSTART = (("movflags", "+faststart"),)

CONTAINERS = {
    ".mp4": Container("mp4", "libx264", ("aac",), _FASTSTART, edit_list=True),
    ".m4v": Container("mp4", "libx264", ("aac",), _FASTSTART, edit_list=True),
    ".mov": Container("mov", "libx264", ("aac",), _FASTSTART, edit_list=True, alpha="prores_ks"),
    ".mkv": Container("matroska", "libx264", ("aac",), ticks=1000, alpha="ffv1"),
    ".webm": Container(
        *("webm", "libvpx-vp9", ("libopus", "opus")),
        ticks=1000,
        deep="libsvtav1",
        alpha="libvpx-vp9",
    ),
    ".avi": Container(
        *("avi", "libx264", ("libmp3lame", "pcm_s16le")),
        variable=False,
        late_start=False,
        deep="libx264",
        alpha="ffv1",
    ),
    ".gif": Container("gif", "gif", (), ticks=100, late_start=False, deep="gif", alpha="gif"),
}

_SHOWN = 200  # characters of a name that is too long
_PATTERN = re.compile(r"%(0[0-9]+)?d")
_DEFAULT_PATTERN = "%06d.png"


@dataclass(frozen=True)
class Destination:
    """An output, taken apart.

    Attributes:
        path: the file, or the folder.
        kind: "video", "gif" or "folder".
        container: of a file; None for a folder.
        pattern: the names of a folder's images, such as "%06d.png"; "" for a file.
        link: the symbolic link that the output was named by; None: it was named itself.
    """

    path: Path
    kind: str
    container: Container | None
    pattern: str = ""
    link: Path | None = None

    @property
    def partial(self) -> Path:
        """Where it is written until it is whole: hidden, and beside its final place."""
        return self.beside(f".part{self.path.suffix}")

    @property
    def old(self) -> Path:
        """Where a folder of this name steps aside for the new one."""
        return self.beside(".deeptsr.old")

    def beside(self, ending: str) -> Path:
        """Name something of ours beside it: hidden, and no longer than a name may be."""
        return hidden_beside(self.path, ending)


def destination_of(output: str | os.PathLike[str]) -> Destination:
    """Understand an output's name.

    Args:
        output: a file with a known ending; or a folder: it ends in "/", exists, or names its
            images as in "frames/%05d.png". (``Path`` drops a final "/": pass a string.) A
            symbolic link is followed, as ``cp`` and ``ffmpeg`` do.

    Raises:
        OutputError: for an unknown ending, or names of images that make no numbers.
    """
    text = name_of(output, OutputError, "the output")
    path = Path(text)
    if text == "-":
        raise OutputError(
            "the output is -, and it is read again before it is done; expected a file, such as "
            "out.mp4, or a folder"
        )
    container = CONTAINERS.get(path.suffix.lower())
    # A % in the name of a file is just that: only images are numbered.
    if container is None and "%" in path.name and _PATTERN.search(path.name):
        _check_pattern(path)
        return _at(path.parent, "folder", None, path.name)
    if text.endswith(("/", os.sep)) or path.is_dir():
        return _at(path, "folder", None, _DEFAULT_PATTERN)
    if container is None:
        raise OutputError(
            f"the output is {text}; expected one of {', '.join(CONTAINERS)}, or a folder: a name "
            "that ends in / or in /%05d.png"
        )
    kind = "gif" if container.format == "gif" else "video"
    return _at(path, kind, container)


def name_of(place: object, error: type[DeeptsrError], what: str) -> str:
    """Return the name of a file or folder, which need not exist.

    Args:
        place: a text, or a path.
        error: what is raised.
        what: it is, for messages: "the input".

    Raises:
        DeeptsrError: when it is none, or one that no file can have or that leads nowhere.
    """
    try:
        name = os.fsdecode(place)  # type: ignore[arg-type]
    except TypeError:
        raise error(
            f"{what} is a {type(place).__name__}; expected the name of a file or a folder"
        ) from None
    if not name or "\0" in name:
        how = "has a NUL in its name" if name else "has an empty name"
        raise error(f"{what} {how}; expected the name of a file or a folder")
    try:
        os.lstat(name)
    except OSError as reason:
        if reason.errno in (errno.ENAMETOOLONG, errno.EACCES, errno.ELOOP):
            short = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..."
            raise error(
                f"{what} {short} cannot be reached ({reason.strerror}); expected a name of up to "
                "255 bytes, in folders that you may enter"
            ) from None
    return name


def _at(path: Path, kind: str, container: Container | None, pattern: str = "") -> Destination:
    """Follow a link: what it points to is replaced, and not the link."""
    place = Path(os.path.abspath(path))
    if not place.is_symlink():
        return Destination(place, kind, container, pattern)
    return Destination(Path(os.path.realpath(place)), kind, container, pattern, place)


def _check_pattern(path: Path) -> None:
    rest = _PATTERN.sub("", path.name).replace("%%", "")
    good = path.suffix.lower() == ".png" and len(_PATTERN.findall(path.name)) == 1
    if not good or "%" in rest:
        raise OutputError(
            f"the output is {path}; expected one number and .png in the names of images, such as "
            f"{path.with_name('%05d.png')}; a percent sign beside it is written as %%"
        )


def check_place(
    target: Destination, *, overwrite: bool, source: str | os.PathLike[str] | None = None
) -> None:
    """Refuse a place that cannot be written, or must not be.

    Args:
        target: from :func:`destination`.
        overwrite: whether an output that exists may be replaced.
        source: the input, which must never be replaced.

    Raises:
        OutputError: naming what stands in the way.
    """
    path = target.path
    if source is not None and path.exists() and os.path.samefile(path, source):
        raise OutputError(f"the output {path} is the input itself; choose another name")
    if target.kind == "folder":
        _check_folder(path, overwrite)
        _check_hidden(target, overwrite)
    elif path.exists() and not overwrite:
        raise OutputError(f"{path} exists; choose another name, or have it replaced: `overwrite`")
    elif path.exists() and not path.is_file():
        raise OutputError(f"{path} is a device or a pipe; expected a file; choose another name")
    parent = path.parent
    if not parent.is_dir():
        raise OutputError(f"the folder {parent} does not exist; create it first")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"the folder {parent} cannot be written; choose another")


def _check_folder(path: Path, overwrite: bool) -> None:
    if not path.exists():
        return
    if not path.is_dir():
        raise OutputError(f"{path} is a file; expected a folder, or a name that is free")
    entries = list(path.iterdir())
    foreign = [e.name for e in entries if not _is_png(e)]
    if foreign:
        raise OutputError(
            f"{path} holds other things than PNG images ({foreign[0]}); expected an empty folder, "
            "or one of PNG images to overwrite; choose another"
        )
    if entries and not overwrite:
        raise OutputError(
            f"{path} holds {counted(len(entries), 'image')}; choose another folder, or have it "
            "replaced: `overwrite`"
        )


def _check_hidden(target: Destination, overwrite: bool) -> None:
    """Refuse hidden folders that hold more than what an earlier run left, which is removed."""
    begin, end = (re.escape(p.replace("%%", "%")) for p in _PATTERN.split(target.pattern)[::2])
    kinds = {target.partial: rf"{begin}\d+{end}|\d+\.png"}
    if overwrite:
        kinds[target.old] = r".*\.[pP][nN][gG]"
    for folder, ours in kinds.items():
        entries = folder.iterdir() if folder.is_dir() else ()
        foreign = [e.name for e in entries if not re.fullmatch(ours, e.name, re.ASCII | re.DOTALL)]
        if foreign:
            raise OutputError(
                f"{folder} holds other things than images of an earlier run ({foreign[0]}); "
                "expected its name to be free; rename or remove it"
            )


def _is_png(entry: Path) -> bool:
    return entry.suffix.lower() == ".png" and entry.is_file() and not entry.is_symlink()
