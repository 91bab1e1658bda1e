"""A disk that is full."""

import errno
import os


def full(*_arguments, **_settings):
    """Stands in for what writes."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
