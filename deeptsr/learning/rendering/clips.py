"""Renders a clip: a wall, things in front of it, and the camera that films them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from deeptsr.learning.rendering import motion, shapes, textures
from deeptsr.learning.rendering.dice import Dice

__all__ = ["Clip", "render"]

_REACH = 1.5  # pixels that anything moves by from one instant to the next, about, at most
_MOST_INSTANTS = 14  # of an HTR frame
_FEW_INSTANTS = 4
_FASTEST_TURN = 0.95  # of the blades' distance an LTR frame
_PLAIN = 0.65  # of the rotors: even blades before a quiet wall
_CLEAR = 0.2  # difference of a plain rotor's brightness from its wall's
_LONGEST = 6  # HTR frames an LTR frame


@dataclass(frozen=True)
class Turn:
    """What turns in a clip."""

    blades: int
    center: tuple[float, float]  # row, column, pixels
    radius: float  # pixels
    slant: float  # 1: seen from the front
    degrees: Tensor  # (T - 1,) that it turns by from a frame to the next

    @property
    def distances(self) -> Tensor:
        """How much of the blades' distance it turns by within each frame, (T,)."""
        steps = self.degrees.abs() * self.blades / 360
        return torch.cat([steps[:1], (steps[1:] + steps[:-1]) / 2, steps[-1:]])


@dataclass(frozen=True)
class Clip:
    """A rendered clip."""

    frames: Tensor  # (T, H, W, 3) in [0, 1], float16
    longest: int  # HTR frames that an LTR frame made of it may hold: faster is another world
    rotor: Turn | None = None


def render(
    seed: int,
    kind: str = "leaves",
    size: int = 72,
    frames: int = 40,
    pictures: Sequence[Tensor] = (),
    step: int = 2,
) -> Clip:
    """Render a clip whose frames are exact means of instants, without a pause between them.

    Args:
        seed: of all that is drawn.
        kind: "leaves" (things of all kinds in motion, and what flows), "rotor" (blades that turn,
            on both sides of the aliasing limit), "below" (below it, or crossing it) or "beyond"
            (beyond it, or crossing it).
        size: side of a frame, pixels.
        frames: HTR frames.
        pictures: surfaces beside those that are drawn, (3, side, side) each, in [0, 1].
        step: HTR frames of an LTR frame by which blades are below or beyond the limit.
    """
    dice = Dice(seed, pictures)
    if kind == "leaves":
        world: _World = _LeavesWorld(dice, size, frames)
    else:
        world = _RotorWorld(dice, size, frames, side=kind, step=step)
    picture = world.picture()  # (n, 3, H, W)
    film = picture.clamp(0, 1).reshape(frames, -1, *picture.shape[1:]).mean(1)
    return Clip(film.permute(0, 2, 3, 1).half().contiguous(), world.longest, world.turn)


class _World:
    """What both kinds of clip share: instants, pixels, and a camera."""

    longest = _LONGEST
    turn: Turn | None = None

    def __init__(self, dice: Dice, size: int, frames: int, instants: int) -> None:
        self.dice, self.size, self.frames = dice, size, frames
        self.times = (torch.arange(frames * instants) + 0.5) / instants  # HTR frames
        line = torch.arange(size) - (size - 1) / 2
        self.y, self.x = (g[None] for g in torch.meshgrid(line, line, indexing="ij"))

    def picture(self) -> Tensor:
        """All instants, (n, 3, H, W)."""
        raise NotImplementedError

    def each(self, numbers: Tensor) -> Tensor:
        """Numbers of the instants as (n, 1, 1)."""
        return numbers[:, None, None]

    def turned(self, x: Tensor, y: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
        """Points as a thing sees them that has turned by an angle."""
        c, s = self.each(torch.cos(angle)), self.each(torch.sin(angle))
        return c * x + s * y, c * y - s * x

    def wall(self, x: Tensor, y: Tensor, contrast: float) -> Tensor:
        """A textured background, (n, 3, H, W)."""
        dice = self.dice
        base = dice.between(0.15, 0.85) + 0.1 * (dice.uniform(3, 1, 1) - 0.5)
        return base + contrast * textures.sample(
            textures.texture(dice), x, y, dice.between(0.5, 1.6)
        )

    def paint(self, picture: Tensor, alpha: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Put a thing of some colour and texture, (n, H, W) of it, in front of a picture."""
        dice = self.dice
        color = dice.uniform(3)[:, None, None].expand(1, 3, 1, 1)
        if dice.chance(0.5):
            rough = dice.between(0.03, 0.3)
            surface = textures.texture(dice)
            color = color + rough * textures.sample(surface, x, y, dice.between(0.7, 2.5))
        strength = 1.0 if dice.chance(0.85) else dice.between(0.35, 0.9)
        return torch.lerp(picture, color.expand_as(picture), alpha[:, None] * strength)


class _LeavesWorld(_World):
    """Dead leaves in motion: a wall or something that flows, and things that move before it."""

    def __init__(self, dice: Dice, size: int, frames: int) -> None:
        super().__init__(dice, size, frames, _FEW_INSTANTS)
        self.still = dice.chance(0.45)  # a camera on a tripod

    def picture(self) -> Tensor:
        dice, t = self.dice, self.times
        x, y = self._camera()
        count = len(t)
        if dice.chance(0.2):
            picture = self._flow(x, y)
        else:
            picture = self.wall(x, y, dice.between(0.02, 0.25))
        picture = picture.expand(count, -1, -1, -1).clone()
        if dice.chance(0.08):
            return picture  # nothing but the camera moves
        for _ in range(dice.whole(1, 7)):
            picture = self._thing(picture, x, y)
        if dice.chance(0.12):
            picture = self._curtain(picture, x, y)
        return picture

    def _camera(self) -> tuple[Tensor, Tensor]:
        dice, t = self.dice, self.times
        if self.still:
            return self.x, self.y
        x, y = self.x, self.y
        if dice.chance(0.3):
            x, y = self.turned(x, y, motion.path(dice, t, 0.05))
        if dice.chance(0.3):
            zoom = self.each(torch.exp(motion.path(dice, t, 0.02)))
            x, y = x * zoom, y * zoom
        fastest = dice.choose((0.7, 3.0, 6.0), (0.3, 0.5, 0.2))
        x = x + self.each(motion.path(dice, t, fastest))
        y = y + self.each(motion.path(dice, t, fastest if dice.chance(0.5) else 0.5))
        return x, y

    def _thing(self, picture: Tensor, x: Tensor, y: Tensor) -> Tensor:
        dice, t, side = self.dice, self.times, self.size
        fastest = dice.choose((0.5, 2.0, 6.0), (0.25, 0.45, 0.3))
        px = motion.path(dice, t, fastest) + dice.between(-side / 2, side / 2)
        py = motion.path(dice, t, fastest) + dice.between(-side / 2, side / 2)
        x, y = x - self.each(px), y - self.each(py)
        radius = dice.between(2, 9) if dice.chance(0.35) else dice.between(5, 30)
        turn = dice.between(0, 2 * torch.pi) + torch.zeros_like(t)
        if dice.chance(0.5):
            turn = turn + motion.path(dice, t, dice.between(0.05, 0.6))
        x, y = self.turned(x, y, turn)
        if dice.chance(0.15):  # it bends as it goes
            wave = self.each(2 * torch.pi * t / dice.between(6, 30))
            x = x + dice.between(1, 5) * torch.sin(y / dice.between(4, 12) + wave)
        depth = shapes.shape(dice, x, y, radius)
        alpha = shapes.cover(depth, dice.between(0.7, 1.5) if dice.chance(0.85) else 5.0)
        return self.paint(picture, alpha, x, y)

    def _curtain(self, picture: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Many small things that move together: rain, snow, a fence."""
        dice, t = self.dice, self.times
        fastest = dice.choose((1.0, 4.0), (0.5, 0.5))
        x = x - self.each(motion.path(dice, t, fastest / 2))
        y = y - self.each(motion.path(dice, t, fastest))
        mask = textures.noise(dice, dice.between(0.5, 1.0), channels=1)
        veil = textures.sample(mask, x, y, dice.between(0.5, 1.5))[:, 0]
        return self.paint(picture, shapes.cover(veil - dice.between(0.8, 1.8), 0.5), x, y)

    def _flow(self, x: Tensor, y: Tensor) -> Tensor:
        """Water or flames: textures that waves bend, or that rise through each other."""
        dice, t = self.dice, self.times
        if dice.chance(0.5):
            for _ in range(dice.whole(2, 4)):
                length, speed = dice.between(8, 40), dice.between(0.5, 4)
                way = dice.between(0, 2 * torch.pi)
                along = x * torch.cos(torch.tensor(way)) + y * torch.sin(torch.tensor(way))
                phase = 2 * torch.pi * (along - speed * self.each(t)) / length
                bend = dice.between(0.5, 0.12 * length) * torch.sin(phase)
                x, y = x + bend, y + bend * dice.between(-1, 1)
            return self.wall(x, y, dice.between(0.05, 0.25))
        risen = []
        for _ in range(2):
            up = y + self.each(dice.between(0.5, 4) * t)
            sway = dice.between(0, 3) * torch.sin(
                up / dice.between(5, 15) + self.each(t / dice.between(2, 8))
            )
            slope = dice.between(1, 1.7)
            risen.append(
                textures.sample(
                    textures.noise(dice, slope, channels=1), x + sway, up, dice.between(0.4, 1.2)
                )
            )
        heat = (risen[0] + risen[1]) / 2 + dice.between(-0.5, 0.5) + y[:, None] / self.size
        ramp = torch.stack([dice.between(0.5, 2) * heat[:, 0] - shift for shift in (0, 0.4, 0.8)])
        return torch.sigmoid(3 * ramp).movedim(0, 1)


class _RotorWorld(_World):
    """Blades that turn before a wall, on both sides of the aliasing limit."""

    def __init__(self, dice: Dice, size: int, frames: int, *, side: str, step: int) -> None:
        # Most are plain, since a network learns from these first what blades do.
        self._plain = dice.chance(_PLAIN)
        radius = (dice.between(0.22, 0.4) if self._plain else dice.between(0.13, 0.47)) * size
        self._rotor = shapes.Rotor(dice, radius)
        apart = 2 * torch.pi / self._rotor.blades
        fastest = _FASTEST_TURN / step  # blades' distances an HTR frame
        instants = round(fastest * apart * radius / _REACH)
        super().__init__(dice, size, frames, max(_FEW_INSTANTS, min(_MOST_INSTANTS, instants)))
        self._angle, speed = motion.turning(dice, self.times, apart, side=side, step=step)
        self.longest = max(step, min(_LONGEST, int(_FASTEST_TURN * apart / max(speed, 1e-6))))

    def picture(self) -> Tensor:
        dice, t, rich = self.dice, self.times, not self._plain
        x, y = self.x, self.y
        wall = self.wall(x, y, dice.between(0, 0.3 if rich else 0.15))
        if rich and dice.chance(0.15):
            x = x - self.each(motion.path(dice, t, 1.0))
            y = y - self.each(motion.path(dice, t, 0.5))
            if dice.chance(0.5):  # the camera moves, not the rotor
                wall = self.wall(x, y, dice.between(0.02, 0.2))
        picture = wall.expand(len(t), -1, -1, -1).clone()
        if rich and dice.chance(0.15):
            still = dice.between(4, 16)
            depth = shapes.shape(dice, self.x - dice.between(-25, 25), self.y + 20, still)
            picture = self.paint(picture, shapes.cover(depth), self.x, self.y)
        shift = 0.5 * self.size - 0.8 * self._rotor.radius if rich else 0.1 * self.size
        place = dice.between(-shift, shift), dice.between(-shift, shift)
        x, y, slant = x - place[0], y - place[1], 1.0
        if rich and dice.chance(0.25):  # on a disc
            back = 1.05 * self._rotor.radius - (x.square() + y.square()).sqrt()
            picture = self.paint(picture, shapes.cover(back).expand(len(t), -1, -1), x, y)
        if dice.chance(0.4 if rich else 0.15):  # seen at a slant
            lean = torch.tensor(dice.between(0, torch.pi))
            c, s = torch.cos(lean), torch.sin(lean)
            x, y = c * x + s * y, c * y - s * x
            slant = dice.between(0.5, 1)
            y = y / slant
        middles = self._angle.reshape(self.frames, -1).mean(1)
        middle = (self.size - 1) / 2
        self.turn = Turn(
            self._rotor.blades,
            (middle + place[1], middle + place[0]),
            self._rotor.radius,
            slant,
            torch.rad2deg(middles.diff()),
        )
        start = dice.between(0, 2 * torch.pi)
        depth, beside = self._rotor.depth(x, y, self.each(self._angle + start))
        alpha = shapes.cover(depth, dice.between(0.7, 1.6))
        if rich and dice.chance(0.15):
            alpha = alpha * dice.between(0.4, 0.9)
        color = dice.uniform(3)
        while not rich and (color.mean() - wall.mean()).abs() < _CLEAR:
            color = dice.uniform(3)
        surface = color[None, :, None, None].expand_as(picture)
        if dice.chance(0.5 if rich else 0.2):  # one edge of a blade is darker than the other
            surface = surface + dice.between(-0.6, 0.6) * beside[:, None]
        if rich and dice.chance(0.3):
            own = self.turned(x, y, self._angle + start)
            rough = dice.between(0.05, 0.25)
            surface = surface + rough * textures.sample(textures.texture(dice), *own, 1.5)
        picture = torch.lerp(picture, surface, alpha[:, None])
        if rich and dice.chance(0.15):  # a cage
            r = (x.square() + y.square()).sqrt()
            gap = dice.between(4, 9)
            bars = dice.between(0.4, 1.0) - ((r % gap) - gap / 2).abs()
            bars = torch.minimum(bars, 1.1 * self._rotor.radius - r)
            picture = self.paint(picture, shapes.cover(bars).expand(len(t), -1, -1), x, y)
        return picture
