"""The first moments, before a command has begun: Ctrl-C, and how threads wait."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os, signal, sys

class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupts())
sys.argv = ["deeptsr", "upscale", "none.mp4", "-o", "o.mp4"]
from cli.entry import main
main()
"""


def ran(code, environment=os.environ):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**environment, "NO_COLOR": "1"},
    )


@pytest.mark.parametrize("module", ["click", "deeptsr.events", "deeptsr.config"])
def test_ctrl_c_ends_with_130_and_without_a_traceback(module):
    code = SCRIPT.format(module=module)
    done = ran(code)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_where_ctrl_c_is_ignored_it_stays_so():
    """As in what a shell starts in the background."""
    code = SCRIPT.format(module="click")
    done = ran(f"import signal; signal.signal(2, signal.SIG_IGN)\n{code}")
    assert done.returncode == 3
    assert "none.mp4 does not exist" in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="tells how libgomp was set up")
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, "10000"),
        ({"GOMP_SPINCOUNT": "7"}, "7"),
        ({"OMP_WAIT_POLICY": "passive"}, "0"),
    ],
)
def test_threads_that_wait_leave_the_processor_to_others(said, expected):
    """Unless it is said how they are to wait."""
    kept = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    code = SCRIPT.format(module="no such module")
    code = f"{code.replace('main()', 'try: main()')}\nfinally: import torch"
    done = ran(code, {**kept, **said, "OMP_DISPLAY_ENV": "VERBOSE"})
    assert f"GOMP_SPINCOUNT = '{expected}'" in done.stderr
