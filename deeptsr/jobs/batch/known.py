"""What is known of a video from an earlier batch: whether its result still stands."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from deeptsr import video
from deeptsr.errors import DeeptsrError
from deeptsr.jobs.batch.manifest import Entry, Manifest, Stamp, stamp
from deeptsr.jobs.batch.tasks import Task
from deeptsr.system.lock import locked

__all__ = ["verified", "was_named"]


def verified(task: Task, manifest: Manifest, configuration: str) -> Entry | None:
    """What is known of a video that needs no work; None where it does.

    Args:
        task: the video.
        manifest: of the folder of results; a result that stands without a word there is noted.
        configuration: see :func:`~deeptsr.jobs.batch.manifest.configuration_hash`.
    """
    entry = manifest.last(task.output)
    if (
        entry is None
        or entry.configuration_hash != configuration
        or not task.output.exists()
        or not _same(stamp(task.input, entry.input_stamp), entry.input_stamp)
    ):
        return None
    output = stamp(task.output, entry.output_stamp)
    if entry.state == "done":
        return entry if _same(output, entry.output_stamp) else None
    if entry.state in ("running", "stopped") and was_named(task, manifest):
        # The batch was killed after the child had checked and named its result.
        entry = replace(entry, state="done", output_stamp=output)
        manifest.add(entry)
        return entry
    return None


def was_named(task: Task, manifest: Manifest) -> bool:
    """Whether a child got as far as to name its result, and had cleared up behind it.

    Args:
        task: its video.
        manifest: that tells when its work began.
    """
    began = manifest.began(task.output)
    beside = video.destination_of(task.output).beside
    if began is None or beside(".deeptsr").exists():
        return False  # its next run finds the work done, and clears it away
    try:
        named = task.output.stat().st_mtime >= began
    except OSError:
        return False
    if named:
        with contextlib.suppress(DeeptsrError), locked(beside(".lock"), str(task.output)):
            pass  # what the lock of one that was killed left is cleared away, too
    return named


def _same(now: Stamp | None, before: Stamp | None) -> bool:
    return now is not None and before is not None and now.hash == before.hash
