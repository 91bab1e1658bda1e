"""Teaches the prior of a step in space: clips, shrunk by the camera, whose truth is known.

Half of the crops are from rendered clips, half are a surface, drawn or a picture, that moves by
whole pixels of the fine frames, and so by halves of the coarse ones. The loss is that of the result
after :func:`deeptsr.imaging.lens.agree`, so that nothing is learnt that the camera tells.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from deeptsr.config import NetworkSettings, PretrainSettings
from deeptsr.events import Listener, Progress, Sharpened, ignore
from deeptsr.imaging.lens import agree, enlarge, shrink
from deeptsr.imaging.volume import to_network, to_volume
from deeptsr.learning.descent import damaged_told, descend, optimizer_of
from deeptsr.learning.prior import Prior
from deeptsr.learning.rendering.clips import render
from deeptsr.learning.rendering.dice import Dice
from deeptsr.learning.rendering.textures import texture
from deeptsr.networks.chance import seeded
from deeptsr.networks.space import STEP, SpaceNetwork

__all__ = ["SETTINGS", "SPACE", "VARIANT", "pretrain_space"]

SPACE = NetworkSettings(kind="space", channels=24, blocks=6)
SETTINGS = PretrainSettings(
    steps=5_000,
    batch=8,
    pool=200,
    clip_every=10,
    optimizer="adam",
    clip_gradient=0.1,
    averaging=0.997,
    balance=0.7,
    check=200,
)
VARIANT = "any/x2"

_FRAMES = 5  # of a crop
_SIDE = 72  # pixels of a fine crop, as large as a rendered clip
_FASTEST = 3  # pixels a frame that a surface moves by, of the fine frames
_MARGIN = 4  # fine pixels of a crop that the loss leaves out: the camera looks so far
_JUDGES = 16  # clips that are never taught
_FIRST_JUDGE = 2 * 10**9  # their seeds
_QUIET = 1e-5  # mean square error that is added, so that a flat clip counts no more than that


def pretrain_space(
    network: NetworkSettings = SPACE,
    settings: PretrainSettings = SETTINGS,
    *,
    seed: int = 0,
    device: torch.device | None = None,
    precision: torch.dtype = torch.float32,
    pictures: Sequence[Tensor] = (),
    start: Prior | None = None,
    on_event: Listener = ignore,
    begun: dict[str, Any] | None = None,
    keep: Callable[[dict[str, Any]], None] = lambda state: None,
) -> Prior:
    """Teach a prior of one network, which doubles the size.

    Args:
        network: its channels and blocks.
        settings: how long, and on how much. Crops have a size of their own.
        seed: of all that is drawn.
        device: that does the work; None: the CPU.
        precision: of the convolutions.
        pictures: (3, side, side) each, in [0, 1], of at least 96 pixels, shown as surfaces.
        start: a prior of the same network that is taught on; None: nothing is known.
        on_event: listener: progress, and the gain on clips that are never taught.
        begun: what an earlier run kept; it goes on from there, to another number of steps if that
            is asked for now.
        keep: told a state from which a later run can go on, at each check.
    """
    course = _Course(network, settings, seed, device or torch.device("cpu"), precision, pictures)
    if start:
        course.start_from(start.variants[VARIANT])
    if begun:
        with damaged_told():
            course.load(begun)
    while course.step < settings.steps:
        course.learn()
        step = course.step
        detail = f"{VARIANT}: step {step} of {settings.steps}"
        on_event(Progress(step / settings.steps, "fit", detail))
        if step % settings.check == 0 or step == settings.steps:
            on_event(Sharpened(STEP, course.gain(), "taught", step))
            keep(course.state())
    state = {name: value.detach().cpu() for name, value in course.average.state_dict().items()}
    made = {
        "clips": "rendered" + (" and pictures" if pictures else ""),
        "steps": course.told_steps(),
        "seed": str(seed),
        "camera": "bicubic",
        "torch": torch.__version__,
    }
    if start:
        made["taught on from"] = start.digest or "a prior that is in no file"
    return Prior(network, {VARIANT: state}, made)


class _Course:
    """The teaching of the network."""

    def __init__(
        self,
        network: NetworkSettings,
        settings: PretrainSettings,
        seed: int,
        device: torch.device,
        precision: torch.dtype,
        pictures: Sequence[Tensor],
    ) -> None:
        self.settings, self._device, self._precision = settings, device, precision
        with seeded(seed):
            self.network = SpaceNetwork(network.channels, network.blocks)
        self.network.to(device).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network)
        self._optimizer = optimizer_of(self.network, settings)
        self._next = seed * 10_000_000  # seed of the next clip
        self._pictures = pictures
        self._dice = Dice(seed, pictures)
        self._pool: list[Tensor] = []  # (T, H, W, 3) each, float16
        self._judges: tuple[Tensor, ...] = ()
        self.step = 0
        self._plans = [(0, settings.steps)]  # from which step on it was to take how many in all

    def start_from(self, state: dict[str, Tensor]) -> None:
        """Take over what a prior has taught."""
        self.network.load_state_dict(state)
        self.average.load_state_dict(state)

    def told_steps(self) -> str:
        """How many steps it took, and where its plan was changed."""
        changed = "".join(f", as {steps} from step {first} on" for first, steps in self._plans[1:])
        return f"{self.step}" + (f", begun as {self._plans[0][1]}{changed}" if changed else "")

    def state(self) -> dict[str, Any]:
        """All that a later run needs to go on but the clips, which are drawn anew."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "counts": (self.step, self._next),
            "plans": self._plans,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.step, self._next = state["counts"]
        self._plans = list(state["plans"])
        if self._plans[-1][1] != self.settings.steps:
            self._plans.append((self.step, self.settings.steps))

    def learn(self) -> None:
        """Make a step."""
        s = self.settings
        while len(self._pool) < s.pool:
            self._render()
        if self.step % s.clip_every == 0:
            self._render()
            self._pool = self._pool[-4 * s.pool :]
        dice = Dice(self._next * 7919 + self.step, self._pictures)
        fine = torch.stack([_crop(dice, self._pool) for _ in range(s.batch)]).to(self._device)
        error, plain = self._errors(self.network, fine)
        weight = ((plain + _QUIET) * 1e3) ** -s.balance
        loss, progress = (error * weight).mean(), (self.step, s.steps)
        descend(self._optimizer, loss, self.network, self.average, s, progress)
        self.step += 1

    def gain(self) -> float:
        """Mean gain over what agrees with the camera, on clips that are never taught, dB."""
        if not self._judges:
            self._judges = tuple(
                render(_FIRST_JUDGE + n, size=_SIDE, frames=_FRAMES).frames.float()
                for n in range(_JUDGES)
            )
        fine = torch.stack(self._judges).to(self._device)
        with torch.no_grad():
            error, plain = self._errors(self.average, fine)
        return float((10 * torch.log10((plain + 1e-7) / (error + 1e-7))).mean())

    def _render(self) -> None:
        self._next += 1
        clip = render(self._next, size=_SIDE, frames=2 * _FRAMES, pictures=self._pictures)
        self._pool.append(clip.frames)

    def _errors(self, network: SpaceNetwork, fine: Tensor) -> tuple[Tensor, Tensor]:
        """Mean square errors of the network and of what agrees, (N,) each, of (N, T, H, W, 3)."""
        n = len(fine)
        size = (_SIDE // STEP, _SIDE // STEP)
        frames = fine.flatten(0, 1)  # (N * T, H, W, 3)
        coarse = shrink(frames, size)
        plain = agree(enlarge(coarse, (_SIDE, _SIDE)), coarse)
        given = to_network(coarse.view(n, -1, *size, 3))  # (N, 3, T, h, w)
        given = given.contiguous(memory_format=torch.channels_last_3d)
        change = to_volume(network(given, self._precision, padded=True)).flatten(0, 1)
        made = agree(plain + change, coarse)
        return _inner(made - frames, n), _inner(plain - frames, n)


def _crop(dice: Dice, pool: Sequence[Tensor]) -> Tensor:
    """A clip in one of its views, (T, side, side, 3)."""
    if dice.chance(0.5):
        clip = pool[dice.whole(0, len(pool) - 1)]
        first = dice.whole(0, len(clip) - _FRAMES)
        crop = clip[first : first + _FRAMES].float()
    else:
        crop = _moving(dice)
    crop = crop.flip([axis for axis in (0, 1, 2) if dice.chance(0.5)])
    if dice.chance(0.5):
        crop = crop.transpose(1, 2)
    crop = crop[..., torch.tensor([[0, 1, 2], [1, 2, 0], [2, 0, 1]][dice.whole(0, 2)])]
    if dice.chance(0.3):
        crop = torch.lerp(crop, crop.mean(3, keepdim=True), dice.between(0, 1))
    return 1 - crop if dice.chance(0.5) else crop


def _moving(dice: Dice) -> Tensor:
    """A surface that moves evenly, by whole pixels a frame."""
    strong = dice.between(0.1, 0.25)
    surface = (0.5 + strong * texture(dice)).clamp(0, 1)  # (3, side, side)
    speed = [dice.whole(-_FASTEST, _FASTEST) if dice.chance(0.7) else 0 for _ in range(2)]
    free = surface.shape[1] - _SIDE
    rows, columns = (dice.whole(max(0, -4 * v), free - max(0, 4 * v)) for v in speed)
    frames = [
        surface[:, y : y + _SIDE, x : x + _SIDE]
        for y, x in ((rows + n * speed[0], columns + n * speed[1]) for n in range(_FRAMES))
    ]
    return torch.stack(frames).movedim(1, 3)  # (T, side, side, 3)


def _inner(error: Tensor, clips: int) -> Tensor:
    """Mean square away from a crop's borders and ends: (N * T, H, W, 3) -> (N,)."""
    inner = error[:, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN].reshape(clips, len(error) // clips, -1)
    return inner[:, 1:-1].square().mean((1, 2))  # (N,)
