"""Breaks files in all sorts of ways and uses them, for test_fuzz: a program of its own.

What crashes or hangs must not take the tests along. Run as
``python -m tests.helpers.fuzzed KIND FOLDER SECONDS``, in a folder that holds whole files; it ends
with 0 when all that was raised was of deeptsr's own errors.
"""

import contextlib
import faulthandler
import itertools
import os
import resource
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from deeptsr.errors import DeeptsrError

MEMORY = 8_000_000_000  # bytes that nothing here may come near to
HANG = 10  # seconds of a processor that no example takes, and
BATCH = 25  # examples of one seed
STANDSTILL = 60  # by the clock, on a machine that does other things too

TOKENS = (b"\0" * 8, b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\1", b"-1", b"1e999")
TOKENS += (b"[" * 3000, b"9" * 5000, b"null", b"{}", b'"', b"NaN", b"\xed\xa0\x80", b"..", b"\n")
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),  # where
        st.sampled_from(["flip", "put", "insert", "cut", "repeat", "end"]),
        st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from(TOKENS)),
    ),
    min_size=1,
    max_size=8,
)


def broken(data, edits):
    """Apply edits to the bytes of a file."""
    for share, way, more in edits:
        at = int(share * len(data))
        if way == "flip":
            some = bytes(a ^ b for a, b in zip(data[at:], more, strict=False))
            data = data[:at] + some + data[at + len(some) :]
        elif way == "put":
            data = data[:at] + more + data[at + len(more) :]
        elif way == "insert":
            data = data[:at] + more + data[at:]
        elif way == "cut":
            data = data[:at] + data[at + 16 * len(more) :]
        elif way == "repeat":
            data = data[:at] + data[max(0, at - 64) : at] * 4 + data[at:]
        elif len(data) > 64:
            data = data[: max(64, at)]
    return data


@contextlib.contextmanager
def one_example():
    """Let pass what is of deeptsr's own; end the program where it hangs."""
    faulthandler.dump_traceback_later(STANDSTILL, exit=True)
    signal.setitimer(signal.ITIMER_PROF, HANG)  # SIGPROF, which nobody handles, kills
    told = None
    try:
        yield
    except DeeptsrError as error:
        told = str(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()
    # Words, and of them a remedy.
    assert told is None or (len(told) > 20 and (";" in told or "expected" in told)), told


def containers(folder):
    """Use a broken video or GIF as the input of a job."""
    from deeptsr import video  # noqa: PLC0415, each kind loads what it needs
    from deeptsr.jobs.degrade import degrade_file  # noqa: PLC0415

    whole = {path.name: path.read_bytes() for path in sorted(folder.glob("a.*"))}

    def use(name, edits):
        path = folder / f"broken-{name}"
        path.write_bytes(broken(whole[name], edits))
        with one_example():
            info = video.probe(path)
            assert sum(1 for _ in video.read(info)) == info.frames
            video.contents(info)
        with one_example():
            video.rough_size(path)
        with one_example():
            out = folder / "out.mkv"
            out.unlink(missing_ok=True)
            degrade_file(path, out)

    return st.sampled_from(sorted(whole)), use


def pictures(folder):
    """Use a folder of images, one of which is broken."""
    from deeptsr import video  # noqa: PLC0415

    whole = {path.name: path.read_bytes() for path in sorted((folder / "images").iterdir())}

    def use(name, edits):
        place = folder / "pictures"
        place.mkdir(exist_ok=True)
        for old in place.iterdir():
            old.unlink()
        for number in range(3):
            data = broken(whole[name], edits) if number == 1 else whole[name]
            (place / f"{number}{Path(name).suffix}").write_bytes(data)
        with one_example():
            info = video.probe(place)
            assert sum(1 for _ in video.read(info)) == info.frames

    return st.sampled_from(sorted(whole)), use


def texts(folder):
    """Read lists of cuts, lists of videos, and the manifest of a batch."""
    from deeptsr.analysis.cut_list import read_cuts  # noqa: PLC0415
    from deeptsr.jobs.batch import Manifest, find_tasks  # noqa: PLC0415

    uses = {
        "cuts.txt": lambda path: read_cuts(path, lambda seconds: int(seconds * 25)),
        "list.txt": lambda path: find_tasks(path, folder / "out"),
        "batch.jsonl": lambda path: Manifest(path).__exit__(None, None, None),
    }
    whole = {name: (folder / name).read_bytes() for name in uses}

    def use(name, edits):
        path = folder / f"broken-{name}"
        path.write_bytes(broken(whole[name], edits))
        with one_example():
            uses[name](path)

    return st.sampled_from(sorted(uses)), use


def kept(folder):
    """Go on from a work folder, a prior, a fit and a record, of which a file is broken."""
    from deeptsr.jobs.upscale import upscale_file  # noqa: PLC0415
    from deeptsr.report import Record, Recorder  # noqa: PLC0415
    from tests.helpers.synth import tiny  # noqa: PLC0415

    def stop(event):
        if getattr(event, "phase", "") == "render":
            raise KeyboardInterrupt

    film, out, work, copy = (folder / name for name in ("a.mkv", "out.mkv", "work", "copy"))
    options = tiny(2, work_dir=str(work))
    fit, told, done = folder / "fit.safetensors", folder / "told", folder / "done.mkv"
    recorder = Recorder(film, done, tiny(2))
    upscale_file(film, done, tiny(2, save_fit=str(fit)), recorder)
    told.mkdir()
    recorder.record().save(told)
    with contextlib.suppress(KeyboardInterrupt):
        upscale_file(film, out, options, stop)
    whole = {path.relative_to(work): path.read_bytes() for path in work.rglob("*.*")}
    whole |= {"fit_file": fit.read_bytes(), "record": (told / "record.json").read_bytes()}
    whole["prior"] = (folder / "prior.safetensors").read_bytes()
    shutil.copytree(work, copy)

    def use(name, edits):
        shutil.rmtree(work, ignore_errors=True)
        out.unlink(missing_ok=True)
        if name == "record":
            (told / "record.json").write_bytes(broken(whole[name], edits))
            with one_example():
                Record.load(told)
            return
        changed = options
        if name in ("prior", "fit_file"):
            path = folder / "broken.safetensors"
            changed = replace(options, **{name: str(path)})
        else:
            shutil.copytree(copy, work)
            path = work / name
        path.write_bytes(broken(whole[name], edits))
        with one_example():
            upscale_file(film, out, changed)
            assert out.exists()

    return st.sampled_from(sorted(whole, key=str)), use


def main(kind, folder, seconds):
    """Break files for so long."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    names, use = {"containers": containers, "pictures": pictures, "texts": texts, "kept": kept}[
        kind
    ](Path(folder))
    until, done = time.monotonic() + float(seconds), 0

    @settings(
        max_examples=BATCH,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # what is found is told as it is: to shrink it takes long
        suppress_health_check=list(HealthCheck),
    )
    @given(name=names, edits=EDITS)
    def attempt(name, edits):
        nonlocal done
        if time.monotonic() < until:
            use(name, edits)
            done += 1

    first = 0 if "DEEPTSR_FUZZ_SECONDS" not in os.environ else time.time_ns()
    for number in itertools.count(first):
        seed(number)(attempt)()
        if time.monotonic() >= until:
            break
    print(done)


if __name__ == "__main__":
    main(*sys.argv[1:])
