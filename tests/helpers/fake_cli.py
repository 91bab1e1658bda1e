"""Stands in for deeptsr's command line in the tests of batches: starts fast, needs no torch.

What it does is what the "video" says: a word for each attempt, the last one for all later ones.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path


def say(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


def main() -> int:
    *flags, source = sys.argv[1:]
    output = Path(flags[flags.index("-o") + 1])
    video = Path(source)
    with (output.parent / f".{output.name}.log").open("a") as log:
        print(os.getpid(), os.environ.get("OMP_NUM_THREADS", "-"), *flags, file=log)
    attempt = len((output.parent / f".{output.name}.log").read_text().splitlines())
    words = video.read_text().split()
    say("Progress", fraction=0.25, phase="fit", detail="fitting")
    say("Warned", message="mind this")
    print("this is no JSON")
    if "--save-fit" in flags:
        Path(flags[flags.index("--save-fit") + 1]).write_text("a fit")
        say("FitKept", size_bytes=5)
    match words[min(attempt, len(words)) - 1] if words else "broken":
        case "good":
            say("SelfChecked", gain_db=1.5)
            output.write_text(f"{video.read_text()} upscaled")
            return 0
        case "broken":
            say("Error", message=f"{video.name} is broken; get it anew", exit_code=3)
            return 3
        case "full":
            say("Error", message="memory ran out", exit_code=4)
            return 4
        case "crash":
            print("Fatal: this went wrong", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        case "lie":
            return 0
        case "slow":
            time.sleep(0.2)
            output.write_text(f"{video.read_text()} upscaled")
            time.sleep(0.1)
        case "joins":  # it has passed the point where it could be stopped
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            (output.parent / f".{output.name}.waits").touch()
            time.sleep(0.5)
            output.write_text(f"{video.read_text()} upscaled")
        case "wait":
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
            (output.parent / f".{output.name}.waits").touch()
            time.sleep(60)
    return 0 if output.exists() else 1


if __name__ == "__main__":
    sys.exit(main())
