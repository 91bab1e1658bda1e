"""What every test needs around it, and every process that a test starts."""

import os
import signal
from pathlib import Path

# Before torch is loaded: the clips are tiny, and the other cores have tests of their own.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell lets what it starts in the background ignore Ctrl-C, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Before the package is loaded: where it is asked for, files that name shapes are checked for them.
if os.environ.get("DEEPTSR_SHAPES"):
    import jaxtyping

    ROOT = Path(__file__).resolve().parents[1]
    SHAPED = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "deeptsr").rglob("*.py")
        if "from deeptsr.imaging.shapes import" in path.read_text(encoding="utf-8")
    ]
    jaxtyping.install_import_hook(SHAPED, "beartype.beartype")
