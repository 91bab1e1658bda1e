"""What every test needs around it, and every process that a test starts."""

import os
import signal

# Before torch is loaded: the clips are tiny, and the other cores have tests of their own.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell lets what it starts in the background ignore Ctrl-C, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
