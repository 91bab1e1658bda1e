"""The benchmark for a GPU: it needs no codecs, and ends in time."""

import subprocess
import sys

from click.testing import CliRunner

from benchmarks import gpu


def test_it_is_imported_without_codecs():
    code = (
        "import sys; sys.modules.update(av=None, imageio_ffmpeg=None, imageio=None);"
        "import benchmarks.gpu"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_the_time_is_up_for_is_named():
    done = CliRunner().invoke(gpu.main, ["--device", "cpu", "--small", "--minutes", "0"])
    assert done.exit_code == 0, done.output
    for part in ("correctness", "speed", "paper-fan", "quality-pan"):
        assert f"{part}: left out, as 0 minutes are over" in done.output
