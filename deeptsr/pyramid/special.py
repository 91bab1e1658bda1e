"""`Specialist`: takes the places of a result where motion is aliased, as three witnesses see it.

Where blades turn by more than half of their distance a frame, two worlds explain what the slow
camera saw. An expert who always takes the longer way is right there, and wrong elsewhere. A judge,
who is taught to take it where it is right and to leave all else as interpolation has it, makes, in
doubt, what errs least in the mean square: a part of the change, the larger the likelier it is. So
the share of the specialist's change that it makes, too, tells how likely it takes that to be. A
classifier sees more of the picture, and tells the log odds themselves. And light speaks against:
where motion was slower than the specialist takes it for, blades of the opposite contrast, and of a
stronger one, are what he makes of it. Often these would be darker than black, or brighter than
white, which nobody has filmed.

Near the limit both are in doubt, and where they err in a frame they err in those around it. But
things go on the way that they go: both results show an LTR frame's moments in opposite order, so
that a step from one frame to the next that turns round is about as long as a step can be. That
tells where the one who is right changes (motion crosses the limit) and where not, and frames decide
together: a chain of hidden states, who is right, whose likelihood sum-product tells. With a shutter
that is not always open both results show the frames that were filmed, and no step tells: there it
is only that motion seldom crosses the limit.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor, nn
from torch.nn import functional

from deeptsr.imaging.resample import broad, pool, resize
from deeptsr.imaging.shapes import Cells, Frames, Volume
from deeptsr.imaging.volume import to_network
from deeptsr.networks import Classifier, StepNetwork
from deeptsr.pyramid.trust import blend

__all__ = ["NEAR", "Specialist", "bonds_of", "likely", "odds_of", "parts_of", "take"]

NEAR = 24  # LTR frames to each side that decide who takes a frame
_UNSEEN = 1 / 255**2  # mean square of a change that nobody sees: one 8-bit level
# Share of the specialist's change that a judge makes who takes both ways to be as likely, and how
# fast doubt fades away from it, of either exposure; what a classifier's log odds are divided by: a
# frame is one of many that err together; what a bond between frames is; and the log odds that a
# frame is on the same side of the limit as the one before it, where no step tells
# (docs/measurements.md, "Who takes which place", tells the rotors that all were chosen on).
_DOUBT, _FADES = {"full": 0.2, "delta": 0.5}, {"full": 2.8, "delta": 1.0}
_SAID, _BOND, _STAYS = 64.0, 0.01, 2.0
# What a result may be beyond the limits of brightness by an error of its own; how near to a limit
# what was filmed is cut off there, and the share of its pixels that tells so. How much it speaks
# against a specialist, of either exposure, and from which share of his change on: of a shutter that
# closes it tells nothing.
_ERRS, _AT_LIMIT, _SEVERAL = 0.04, 2 / 255, 0.002
_AGAINST, _SLIGHT = {"full": 0.2, "delta": 0.0}, 5e-5
_AT_ONCE = 8  # frames that are classified at once
_LARGEST = 256  # short side that is seen, pixels: on larger frames blades are larger, too


@dataclass(frozen=True)
class Specialist:
    """Three networks for one step: who makes the longer way, and two who tell where it is right."""

    network: StepNetwork
    judge: StepNetwork
    classifier: Classifier

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """All of them."""
        return self.network, self.judge, self.classifier

    def odds(self, ltr: Volume, precision: torch.dtype, wanted: range | None = None) -> Tensor:
        """What the classifier says (:func:`odds_of`); 0 of a shutter that closes: it knows none."""
        if self.network.exposure == "full":
            return odds_of(self.classifier, ltr, precision, wanted)
        return torch.zeros(len(ltr if wanted is None else wanted), 1, 1, device=ltr.device)

    def at_once(self, factor: int) -> StepNetwork:
        """The one who makes the longer way, for larger steps: the weights are the same."""
        network = copy.copy(self.network)
        network.factor = factor
        return network


@torch.no_grad()
def odds_of(
    classifier: Classifier, ltr: Volume, precision: torch.dtype, wanted: range | None = None
) -> Tensor:
    """What a classifier says of some frames, by themselves.

    Args:
        classifier: see there.
        ltr: volume (T, H, W, 3).
        precision: of the convolutions.
        wanted: frames that are told of; None: all.

    Returns:
        (len(wanted), h, w) log odds that motion is beyond the aliasing limit, of places that cover
        a frame evenly.
    """
    wanted = range(len(ltr)) if wanted is None else wanted
    height, width = ltr.shape[1:3]
    smaller = min(1.0, _LARGEST / min(height, width))
    size = round(smaller * height), round(smaller * width)
    told = []
    for n in wanted[::_AT_ONCE]:
        first, stop = max(0, n - classifier.reach), min(n + _AT_ONCE, wanted.stop)
        clip = to_network(resize(ltr[first : stop + classifier.reach], size))[None]
        with torch.autocast(clip.device.type, precision, enabled=precision != torch.float32):
            told.append(classifier(clip)[0, n - first : stop - first].float())
    return torch.cat(told)


def parts_of(theirs: Volume, judged: Volume, odds: Tensor, plain: Volume, factor: int) -> Tensor:
    """What the witnesses say, weighed by what a specialist changes, and that change.

    Args:
        theirs: the specialist's result, volume (T * factor, H, W, C).
        judged: what its judge makes.
        odds: :func:`odds_of`, of these T frames.
        plain: interpolation.
        factor: HTR frames an LTR frame.

    Returns:
        Mean products with what the judge changes, with the odds, and mean squares; and mean squares
        of what is impossible, (4, T, rows, columns).
    """
    parts = []
    size = (int(plain.shape[1]), int(plain.shape[2]))
    for n, told in enumerate(functional.interpolate(odds[:, None], size)):
        frames = slice(n * factor, (n + 1) * factor)
        away = theirs[frames] - plain[frames]
        both = pool(((judged[frames] - plain[frames]) * away).mean(0))
        change = away.square_().mean(0)
        beyond = _impossible(theirs[frames], plain[frames].mean(0)).square_().mean(0)
        each = both, pool(change * told[0, :, :, None]), pool(change), pool(beyond)
        parts.append(torch.stack(each))
    return torch.stack(parts, 1)


def _impossible(made: Frames, filmed: Tensor) -> Frames:
    """How much darker than black, or brighter than white, a result is.

    A limit at which some of what was filmed is (H, W, C) is none: light was cut off there.
    """
    near = (filmed < _AT_LIMIT, filmed > 1 - _AT_LIMIT)
    dark, bright = (at.float().mean((0, 1)) > _SEVERAL for at in near)  # by colours
    least, most = torch.where(dark, -inf, -_ERRS), torch.where(bright, inf, 1 + _ERRS)
    return made - made.clamp(least, most)


def bonds_of(mine: Volume, theirs: Volume, factor: int, exposure: str = "full") -> Tensor:
    """Whether successive LTR frames belong to the same of two results.

    Args:
        mine: a result, volume (T * factor, H, W, C).
        theirs: the specialist's.
        factor: HTR frames an LTR frame.
        exposure: "full"; "delta": the first HTR frame of an LTR frame is known, so that both go on
            from it alike.

    Returns:
        (T - 1, rows, columns): above 0 where steps from frame to frame are shorter if both belong
        to the same, below where they are if one does to each; a quarter of the logarithm of what
        their mean squares differ by.
    """
    if exposure == "delta":
        cells = pool(mine[0]).shape
        return mine[0].new_full((len(mine) // factor - 1, *cells), _BOND * _STAYS)
    steps = []
    for n in range(factor, len(mine), factor):
        kinds = [pool((b[n] - a[n - 1]).square()) for a in (mine, theirs) for b in (mine, theirs)]
        steps.append(torch.stack(kinds))
    if not steps:
        return pool(mine[0])[None][:0]
    same, there, back, both = (broad(kind) + _UNSEEN for kind in torch.stack(steps, 1))
    return (there * back / (same * both)).log_() / 4


def likely(parts: Tensor, bonds: Tensor, exposure: str = "full") -> Cells:
    """How likely the specialist is right.

    Args:
        parts: :func:`parts_of`, (4, T, rows, columns).
        bonds: :func:`bonds_of`, (T - 1, rows, columns).
        exposure: "full" or "delta".

    Returns:
        (T, rows, columns), 0 to 1; of a frame and :data:`NEAR` to each side.
    """
    both, said, change, beyond = (broad(part) for part in parts)
    change = change + _UNSEEN
    judged = (both / change - _DOUBT[exposure]) / _FADES[exposure]
    against = _AGAINST[exposure] * torch.log1p(beyond / change / _SLIGHT)
    alone = judged + said / change / _SAID - against  # log odds
    bonds = bonds / _BOND
    before, after = torch.zeros_like(alone), torch.zeros_like(alone)
    for _ in range(min(NEAR, len(bonds))):
        before[1:] = _told(alone[:-1] + before[:-1], bonds)
        after[:-1] = _told(alone[1:] + after[1:], bonds)
    return torch.sigmoid(before + alone + after)


def take(result: Frames, theirs: Volume, likelihood: Cells) -> None:
    """Give the specialist, in place, the places where it is more likely right than not.

    Args:
        result: volume (T * factor, H, W, C).
        theirs: the specialist's.
        likelihood: :func:`likely`.
    """
    blend(result, theirs, (likelihood <= 0.5).to(result))


def _told(odds: Tensor, bonds: Tensor) -> Tensor:
    """What the log odds of a frame say of those of the next."""
    return torch.logaddexp(odds + bonds, torch.zeros_like(odds)) - torch.logaddexp(odds, bonds)
