"""Names of array shapes, for annotations: tests can check them; to all else they are tensors.

Within a call, a letter stands for one length, ``_`` for any, and a name in braces for an argument.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Float
else:

    class Float:
        """Stands in for that of jaxtyping, which only tests load, and before this file."""

        def __class_getitem__(cls, _: object) -> type[Tensor]:
            return Tensor


__all__ = [
    "AnyGrid",
    "AnyVolume",
    "Batch",
    "Batches",
    "Cells",
    "Fine",
    "FineBatch",
    "Frames",
    "Grid",
    "Resized",
    "Volume",
    "Volumes",
]

Volume = Float[Tensor, "T H W C"]
Frames = Float[Tensor, "_ H W C"]  # as large as the call's volume, and as long as it likes
AnyVolume = Float[Tensor, "_ _ _ C"]
Grid = Float[Tensor, "T H W *C"]  # a volume, or one number for each of its places
AnyGrid = Float[Tensor, "_ _ _ *C"]
Resized = Float[Tensor, "T {size[0]} {size[1]} C"]
Fine = Float[Tensor, "{factor}*T H W C"]  # what comes of a volume in time
Volumes = Float[Tensor, "*N T H W C"]  # a volume, or a batch of them
Batches = Float[Tensor, "*N C T H W"]  # the same as networks take it
Batch = Float[Tensor, "N C T H W"]
FineBatch = Float[Tensor, "N C {self.asked(asked).parts}*T H W"]  # what a network makes of a batch
Cells = Float[Tensor, "ltr rows columns"]  # a number for each LTR frame and place in it
