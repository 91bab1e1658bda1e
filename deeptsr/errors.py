"""Everything that deeptsr raises on purpose.

::

    DeeptsrError
    ├── OptionError     a setting that cannot be met            (exit code 2)
    │   ├── DeviceError     the device asked for is not there
    │   └── OutputError     the output exists or cannot be written
    ├── InputError      the input cannot be used                (exit code 3)
    ├── ResourceError   memory or disk ran out                  (exit code 4)
    └── BatchError      some videos of a batch failed           (exit code 5)

Every message says what was got, what was expected, and what to do about it.
"""

from __future__ import annotations

__all__ = [
    "BatchError",
    "DeeptsrError",
    "DeviceError",
    "InputError",
    "OptionError",
    "OutputError",
    "ResourceError",
]


class DeeptsrError(Exception):
    """Base of all errors of this library.

    Attributes:
        exit_code: status with which the command line ends when this error reaches it.
    """

    exit_code = 1


class OptionError(DeeptsrError, ValueError):
    """A setting is out of range, or two settings exclude each other."""

    exit_code = 2


class DeviceError(OptionError):
    """The device asked for does not exist on this machine."""


class OutputError(OptionError):
    """The output exists already, or its place cannot be written."""


class InputError(DeeptsrError, ValueError):
    """The input is missing, broken, or not something that can be upscaled."""

    exit_code = 3


class ResourceError(DeeptsrError):
    """Memory or disk ran out, after everything that could be made smaller was."""

    exit_code = 4


class BatchError(DeeptsrError):
    """Some videos of a batch failed; the others are done."""

    exit_code = 5
