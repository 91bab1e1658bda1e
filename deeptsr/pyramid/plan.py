"""From a factor and a size to the stages of the climb (paper section 4.2, figure 8b)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Stage", "plan", "steps_of"]

_SMALLEST_SIDE = 48  # pixels that the short side keeps at the coarsest level


@dataclass(frozen=True)
class Stage:
    """One step in time, at one size."""

    scale: Fraction  # of the frame's sides
    step: int  # frames made of one
    factor_before: int  # frames that one input frame has become before this stage

    @property
    def label(self) -> str:
        """Such as "S1/4 T1 -> T2"."""
        return f"S{self.scale} T{self.factor_before} -> T{self.factor_before * self.step}"

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the frames at this level, pixels."""
        return max(1, round(height * self.scale)), max(1, round(width * self.scale))


def steps_of(factor: int) -> tuple[int, ...]:
    """Split a factor into prime steps, the large ones first.

    A large step is easiest at the coarsest level, where motion is smallest.

    >>> steps_of(12)
    (3, 2, 2)
    """
    if factor == 1:
        return ()
    steps, rest, divisor = [], factor, 2
    while divisor * divisor <= rest:
        if rest % divisor:
            divisor += 1
        else:
            steps.append(divisor)
            rest //= divisor
    return tuple(sorted([*steps, rest], reverse=True))


def plan(
    factor: int, height: int, width: int, coarsest: Fraction | None = None, held: int = 1
) -> tuple[Stage, ...]:
    """Lay out the climb.

    Args:
        factor: HTR frames an LTR frame, >= 1; 1 has no stages.
        height: of the video, pixels.
        width: of the video, pixels.
        coarsest: scale of the first stage; None starts such that the last stage ends at full size.
        held: stages, the first ones, at that scale.

    Returns:
        The stages, coarse to fine. From the last that is held on sizes double from stage to stage.
    """
    steps = steps_of(factor)
    if not steps:
        return ()
    scale = coarsest or Fraction(1, 2 ** (len(steps) - 1))
    while scale < 1 and min(height, width) * scale < _SMALLEST_SIDE:
        scale *= 2
    stages, before = [], 1
    for number, step in enumerate(steps, 1):
        stages.append(Stage(min(Fraction(1), scale), step, before))
        before *= step
        if number >= held:
            scale *= 2
    return tuple(stages)
