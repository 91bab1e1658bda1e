"""Which device does the work, and in which precision."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import torch

from deeptsr.errors import DeviceError

__all__ = ["available", "choose", "default_preset", "precision", "ran_out", "release"]


def choose(name: str = "auto") -> torch.device:
    """The device of that name; "auto" takes a CUDA card when there is one.

    Raises:
        DeviceError: for an unknown name, or a card that is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise DeviceError(f"device is {name!r}; expected auto, cpu, cuda or cuda:N")
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise DeviceError(
                f"device is {name!r}, and this machine shows {count} CUDA cards to torch "
                f"{torch.__version__}; use `device` cpu, or install a CUDA build of torch"
            )
    return device


def available(names: Sequence[str]) -> tuple[str, ...]:
    """Spell out a list of devices.

    Args:
        names: each as for :func:`choose`; "cuda" stands for all cards, "auto" for these or, where
            there is none, for the CPU.

    Raises:
        DeviceError: for an unknown name, or a card that is not there.

    >>> available(["cpu"])
    ('cpu',)
    """
    spelled_out: list[str] = []
    for name in names:
        device = choose(name)
        every = device.type == "cuda" and device.index is None
        cards = range(torch.cuda.device_count()) if every else ()
        spelled_out += [f"cuda:{n}" for n in cards] or [str(device)]
    return tuple(dict.fromkeys(spelled_out))


def default_preset(device: torch.device) -> str:
    """The preset that suits a device when none is asked for."""
    return "balanced" if device.type == "cuda" else "fast"


def release() -> None:
    """Give memory that is no longer used back to the system, where the C library hoards it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)


def ran_out(error: BaseException) -> bool:
    """Tell whether an error says that memory ran out: torch has no kind of its own on a CPU."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)


def precision(device: torch.device) -> torch.dtype:
    """The type in which convolutions run: bfloat16 where the hardware multiplies it."""
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # Measured on a CPU with AVX512-BF16: conv3d runs twice as fast as in float32.
        fast = torch.backends.cpu.get_cpu_capability().startswith("AVX512") and bool(
            torch.ops.mkldnn._is_mkldnn_bf16_supported()
        )
    return torch.bfloat16 if fast else torch.float32
