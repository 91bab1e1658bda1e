"""LPIPS: how different pictures look to a network that was trained on photographs.

An extra (``pip install deeptsr[lpips]``). Its AlexNet's weights are a download of 233 MB, which
only the user makes: nothing here reaches for the network.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from urllib.parse import urlparse

import torch
from torch import Tensor

from deeptsr.errors import InputError, OptionError

__all__ = ["Lpips"]

_LEAST_SIDE = 32  # pixels: of smaller pictures nothing is left after AlexNet's pooling


class Lpips:
    """Measures LPIPS (version 0.1, AlexNet) of pictures.

    Raises:
        OptionError: when the package or the weights are not there.
    """

    def __init__(self) -> None:
        try:
            import lpips  # noqa: PLC0415, an extra
            from torchvision.models import AlexNet_Weights  # noqa: PLC0415, comes with it
        except (ImportError, OSError, RuntimeError) as error:
            raise OptionError(
                f"LPIPS needs the package lpips, which cannot be imported ({error}); install it: "
                "pip install deeptsr[lpips]"
            ) from error
        name = Path(urlparse(AlexNet_Weights.IMAGENET1K_V1.url).path).name
        weights = Path(torch.hub.get_dir(), "checkpoints", name)
        if not weights.is_file():
            raise OptionError(
                f"LPIPS needs AlexNet's weights, expected as {weights}; fetch them once (233 MB): "
                "python -c \"import torchvision; torchvision.models.alexnet(weights='DEFAULT')\""
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # lpips asks torchvision in a way that is deprecated
            self._network = lpips.LPIPS(net="alex", verbose=False).eval()

    @torch.no_grad()
    def __call__(self, frame: Tensor, truth: Tensor) -> float:
        """Compare two pictures (H, W, 3) in [0, 1]: 0 for equal ones, the less alike the more.

        Raises:
            InputError: for pictures that are too small.
        """
        if min(frame.shape[:2]) < _LEAST_SIDE:
            raise InputError(
                f"got frames of {frame.shape[1]} x {frame.shape[0]} pixels; LPIPS needs at least "
                f"{_LEAST_SIDE} x {_LEAST_SIDE}: compare larger frames, or without `lpips`"
            )
        pair = torch.stack([frame, truth]).movedim(3, 1)  # (2, 3, H, W)
        return float(self._network(*pair[:, None], normalize=True))
