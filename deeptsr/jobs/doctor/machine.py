"""Looks at the machine: what is there, and how fast its disk is."""

from __future__ import annotations

import os
import tempfile
import time
from importlib import resources
from pathlib import Path

import torch

from deeptsr.errors import OutputError
from deeptsr.system.files import flush_to_disk, unwritable

__all__ = ["cards", "disk_speed", "hidden_card", "priors"]

_WRITTEN = 32_000_000  # bytes
_CARD = Path("/proc/driver/nvidia/version")  # where NVIDIA's driver runs


def cards() -> tuple[tuple[str, int], ...]:
    """Names of the cards that torch can use, and bytes of their memory."""
    if not torch.cuda.is_available():
        return ()
    properties = (torch.cuda.get_device_properties(n) for n in range(torch.cuda.device_count()))
    return tuple((card.name, int(card.total_memory)) for card in properties)


def hidden_card() -> bool:
    """Whether there is a card that this torch does not see."""
    return not torch.cuda.is_available() and _CARD.exists()


def priors() -> tuple[str, ...]:
    """Names of the priors that come with the program."""
    place = resources.files("deeptsr.learning") / "priors"
    if not place.is_dir():
        return ()
    return tuple(sorted(p.name for p in place.iterdir() if p.name.endswith(".safetensors")))


def disk_speed(folder: Path) -> float:
    """Bytes a second that are written into a folder, until they are on its disk.

    Raises:
        OutputError: when nothing can be written there.
        ResourceError: when the disk is full.
    """
    if not folder.is_dir():
        raise OutputError(f"{folder} is no folder; expected one that outputs can be written to")
    content = os.urandom(1 << 20) * (_WRITTEN >> 20)  # nothing that a disk could shorten
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".deeptsr-") as file:
            began = time.monotonic()
            file.write(content)
            file.flush()
            flush_to_disk(Path(file.name))
            return len(content) / (time.monotonic() - began)
    except OSError as error:
        raise unwritable(folder, error) from error
