"""``python -m deeptsr_cli``: as ``deeptsr``, for where the script is not on the path."""

from __future__ import annotations

from .entry import main

main()
