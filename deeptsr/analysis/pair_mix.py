"""Which mix of training pairs a video speaks for, before anything is fitted.

The paper leaves this as future work (section 5.1): crude motion, at a coarse scale, should tell
large uniform motion from rotation. Measured (docs/trials.md): a camera that pans wants pairs
of frames in translation alone, and the held-out frames, which are means of several, do not show it;
so where one translation explains what changes, it decides. For every other video the shares of the
settings stand, unless the first steps of a fit show that motion is aliased
(``learning.strategy``). The share of neighbours across dimensions decides nothing: it is 46 % for a
pan and 50 % for a fan, which want opposite mixes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from deeptsr.config import PairSettings
from deeptsr.events import MixProposed
from deeptsr.imaging.volume import LUMA

__all__ = ["propose", "uniform_motion"]

_REACH = 8  # pixels a frame up to which a translation is sought
_PAIRS = 12  # of frames that are looked at
_CHANGE = 1e-5  # mean square below which nothing changes
_EXPLAINED = 0.97  # share of the change from which it is one translation of the whole frame
_SPEEDS = (1.0, 4.0)  # pixels a frame between which that was found to hold


def uniform_motion(clip: Tensor) -> tuple[float, float]:
    """How much of what changes is one translation of the whole frame, and how fast that is.

    Of some pairs of frames the best whole number of pixels is found by trying all, and the rest of
    the way by least squares on the gradients.

    Args:
        clip: volume (T, H, W, 3), small.

    Returns:
        Share of the change, mean square, that the translations explain, in [0, 1]; the median speed
        in pixels a frame.
    """
    gray = clip.float().cpu() @ torch.tensor(LUMA)  # (T, H, W)
    reach = min(_REACH, (min(gray.shape[1:]) - 4) // 4)
    inner = (slice(reach, gray.shape[1] - reach), slice(reach, gray.shape[2] - reach))
    before = after = 0.0
    speeds = []
    for index in (
        torch.linspace(0, len(gray) - 2, min(_PAIRS, len(gray) - 1)).round().int().tolist()
    ):
        now, then = gray[index + 1][inner], gray[index]
        ways = then.unfold(0, now.shape[0], 1).unfold(1, now.shape[1], 1)  # (down, right, h, w)
        # Row by row, as all of them at once are more than a cache holds.
        errors = torch.stack([(row - now).square_().mean((1, 2)) for row in ways]).flatten()
        best = divmod(int(errors.argmin()), 2 * reach + 1)
        down, right = reach - best[0], reach - best[1]
        still, moved = errors[len(errors) // 2].item(), ways[best]
        slope_y, slope_x = torch.gradient(moved)
        slopes = torch.stack([slope_y.flatten(), slope_x.flatten()], 1)
        missing = (moved - now).flatten()
        normal = slopes.T @ slopes + 1e-6 * torch.eye(2)
        rest = torch.linalg.solve(normal, slopes.T @ missing)
        left = (missing - slopes @ rest).square().mean().item()
        before, after = before + still, after + min(left, errors.min().item())
        speeds.append(float(torch.hypot(down + rest[0], right + rest[1])))
    if before < _CHANGE * len(speeds):
        return 0.0, 0.0
    return 1 - after / before, float(torch.tensor(speeds).median())


def propose(clip: Tensor, pairs: PairSettings) -> MixProposed:
    """Look at how a clip moves, and propose a mix.

    Args:
        clip: volume (T, H, W, 3) at the size of the first stage.
        pairs: whose shares stand unless the video speaks for others.
    """
    explained, speed = uniform_motion(clip)
    if explained >= _EXPLAINED and _SPEEDS[0] <= speed <= _SPEEDS[1]:
        reason = (
            f"one translation of the whole frame, {speed:.1f} pixels a frame, explains "
            f"{explained:.0%} of what changes"
        )
        return MixProposed(0.0, 0.0, 1.0, reason)
    reason = f"one translation of the whole frame explains {explained:.0%} of what changes"
    return MixProposed(pairs.within, pairs.across, pairs.shift, reason)
