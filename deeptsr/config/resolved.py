"""What options come to on one input: settings that leave nothing to be found out."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar

from deeptsr.config.options import Options
from deeptsr.errors import OptionError

__all__ = ["Resolved", "Settings"]

# Options as somebody asked for them, or as they came out: what is changed stays of its kind.
Settings = TypeVar("Settings", bound=Options)


@dataclass(frozen=True)
class Resolved(Options):
    """Settings of a run on one input.

    They are the options that were asked for, with the factor that a rate comes to, the exposure
    that was found or can be met, and the lengths of chunk and excerpt that memory has room for;
    where the time is limited, with what there is time for.
    """

    def __post_init__(self) -> None:
        """Refuse what is not resolved.

        Raises:
            OptionError: naming the setting, what was got and what is expected.
        """
        super().__post_init__()
        if self.exposure == "auto":
            raise OptionError("exposure is 'auto'; expected what was found in the video")

    @classmethod
    def of(cls, asked: Options, **values: Any) -> Resolved:
        """Resolve options.

        Args:
            asked: as they were asked for.
            values: fields of :class:`Options` that come out otherwise, and their values.

        Raises:
            OptionError: when a value is out of range, or the exposure is still to be found.
        """
        return cls(**{field.name: getattr(asked, field.name) for field in fields(Options)} | values)

    def as_options(self) -> Options:
        """The same, as somebody might ask for it."""
        return Options(**{field.name: getattr(self, field.name) for field in fields(Options)})
