"""What would make the work faster on a machine, as far as its figures tell."""

from __future__ import annotations

from deeptsr.events import Examined
from deeptsr.system.humanize import duration, size

__all__ = ["advice"]

_SLOW_DISK = 20e6  # bytes a second
_LITTLE = 2_000_000_000  # bytes of free memory
_BUSY = 0.5  # of the cores, which others keep
_LONG = 600.0  # seconds
_FIT_OFTEN = (
    "videos of the same camera and event share a fit: --save-fit FILE with the first, --fit FILE "
    "with the others"
)


def advice(machine: Examined, *, hidden_card: bool, load: float) -> tuple[str, ...]:
    """Sentences, the most useful one first.

    Args:
        machine: what is known of the machine.
        hidden_card: whether there is a card that torch does not see.
        load: how many cores others keep busy.
    """
    told = []
    if hidden_card:
        told.append(
            "there is a CUDA card, and this torch does not see it: install a build of torch with "
            "CUDA for the card's driver"
        )
    elif not machine.cards:
        told.append("a CUDA card would do the work in a small part of the time")
    if machine.threads < machine.cores:
        told.append(
            f"torch uses {machine.threads} of {machine.cores} cores: leave OMP_NUM_THREADS unset, "
            f"or set it to {machine.cores}"
        )
    if load > _BUSY * machine.cores:
        told.append(
            f"other programs keep about {load:.1f} of {machine.cores} cores busy: the times were "
            "measured beside them, and are shorter without"
        )
    if not machine.cards and machine.precision == "float32":
        told.append(
            "a processor with AVX-512 BF16 would run convolutions about twice as fast as this one, "
            "which does them in float32"
        )
    if machine.free_bytes is not None and machine.free_bytes < _LITTLE:
        told.append(
            f"{size(machine.free_bytes)} of memory are free: with more, larger pieces are taken at "
            "once; close other programs"
        )
    if machine.disk_speed < _SLOW_DISK:
        told.append(
            f"{machine.folder} takes {size(machine.disk_speed)} a second: write to a faster disk, "
            "and copy the result"
        )
    times = dict(machine.times)
    if times.get("fast", 0.0) > _LONG:
        told.append(
            f"a smaller factor, a part of the video (--start, --end) or a smaller picture takes "
            f"less than {duration(times['fast'])}; --time-budget says how long it may take"
        )
    return (*told, _FIT_OFTEN)
