"""Eight runs at once on one disk, for test_resume: ``python -m tests.helpers.crowd SOURCE FOLDER``.

It imports once and forks; it prints the exit code of each as JSON.
"""

import json
import os
import sys
from pathlib import Path

import torch

import deeptsr.video.reading.reader
import deeptsr.video.writing.writer  # noqa: F401, the same
from deeptsr.errors import DeeptsrError
from deeptsr.jobs.resources import memory
from deeptsr.jobs.upscale import upscale_file
from deeptsr.learning import checkpoints
from tests.helpers.killed import OPTIONS

RUNS = 8


def started(source, output):
    """Begin a run in a child, which ends with the error's exit code."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        upscale_file(source, output, OPTIONS)
        code = 0
    except DeeptsrError as error:
        code = error.exit_code
        print(error, file=sys.stderr)
    except BaseException as error:
        print(repr(error), file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(code)


def main(source, folder):
    """Run them all."""
    torch.set_num_threads(1)
    memory._PART = 16
    checkpoints._INTERVAL = 0.0
    children = [started(source, Path(folder, f"out{n}.mkv")) for n in range(RUNS)]
    ends = [os.waitpid(child, 0)[1] for child in children]
    print(json.dumps([os.waitstatus_to_exitcode(end) for end in ends]))


if __name__ == "__main__":
    main(*sys.argv[1:])
