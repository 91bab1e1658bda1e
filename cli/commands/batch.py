"""``deeptsr batch``: many videos, one process each."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from deeptsr import report as reports
from deeptsr.config import Options
from deeptsr.errors import BatchError, OptionError, OutputError, ResourceError
from deeptsr.events import Event, Listener, Warned
from deeptsr.jobs.batch import (
    Engine,
    LocalEngine,
    Manifest,
    SharedFit,
    Task,
    configuration_hash,
    find_tasks,
    run_batch,
    slots,
)

from ..arguments.flags import exclude, flags_of, output_flags, shared_with, verbosity_of
from ..arguments.options import DEFAULTS, MOST, options_of
from ..arguments.values import FILE, devices
from ..console.batch_table import Table
from ..console.notes import Detail
from ..console.sentences import settings
from ..session import conversation
from .upscale import upscale

__all__ = ["batch"]

MODULE = __name__.partition(".")[0]  # that each child runs
MANIFEST = "batch.jsonl"  # in the folder of the results,
PAGE = "batch.html"  # beside it,
FIT = "batch.safetensors"  # and that too
# What a batch settles for each video, or once for all of them.
SETTLED = ("output", "device", "work_dir", "report", "dry_run", "preview", "save_fit")
PASSED = shared_with(upscale, SETTLED)  # to each video's process


@flags_of(upscale, but=SETTLED)
@click.command(short_help="Raise the frame rate of many videos.")
@click.argument("source", type=FILE, metavar="FOLDER_OR_LIST")
@click.option("-o", "--output", type=FILE, required=True, help="The folder for the results.")
@click.option(
    "--pattern",
    metavar="GLOB",
    help="Only files that match it, such as '*.mp4'.  [default: whatever looks like a video]",
)
@click.option(
    "--suffix",
    metavar="NAME",
    help="Ending of the results, such as .mkv.  [default: the input's own, or .mp4]",
)
@click.option(
    "--jobs",
    type=int,
    metavar="N",
    help="Videos at a time.  [default: one a GPU, or one for each 4 CPU cores]",
)
@click.option(
    "--devices",
    type=devices,
    default="auto",
    metavar="NAMES",
    help="auto, cpu, cuda (all cards), or some of them, such as cuda:0,cuda:2.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="Work on this machine, or on a Ray cluster whose machines share the folders.",
)
@click.option(
    "--address",
    default="auto",
    metavar="NAME",
    help="Of the Ray cluster: auto (the one this machine belongs to), local, or host:port.",
)
@click.option(
    "--retries",
    type=int,
    default=1,
    metavar="N",
    help="Further attempts at a video whose process crashed or was lost.",
)
@click.option(
    "--reports",
    "with_reports",
    is_flag=True,
    help="Also make a page of each video, beside its result, as upscale --report does.",
)
@click.option(
    "--share-fit",
    is_flag=True,
    help="Fit once, for videos of one camera and event: the longest is fitted, where most moves, "
    "and the others take that over. One that it does not suit is fitted by itself.",
)
@output_flags
def batch(
    *,
    source: str,
    output: str,
    pattern: str | None,
    suffix: str | None,
    jobs: int | None,
    devices: tuple[str, ...],
    engine: str,
    address: str,
    retries: int,
    with_reports: bool,
    share_fit: bool,
    preset_name: str | None,
    **flags: Any,
) -> None:
    """Raise the frame rate of every video in a folder, and in the folders in it.

    FOLDER_OR_LIST may be a text file, too, that names a video a line. The results mirror the
    folders of the inputs. Each video has a process of its own, the longest goes first, and one that
    fails does not stop the others. The same command again does what is not done yet: the
    manifest, batch.jsonl beside the results, has the hashes that tell. At the end batch.html shows
    all videos, before and after.

    The options of deeptsr upscale from --factor on hold for every video.

    \b
    Exit codes: 0 done, 2 wrong usage, 3 no input, 4 out of memory or disk,
    5 some videos failed, 130 interrupted, 143 terminated, 1 a bug in deeptsr.
    """  # noqa: D301, click reads the \b as "do not rewrap this"
    verbosity = verbosity_of(flags)
    exclude("--share-fit", "--fit", both=share_fit and flags["fit_file"] is not None)
    reads = {"the folder or list": source}
    page = Path(os.path.abspath(output), PAGE)
    writes = {"the manifest": str(Path(output, MANIFEST)), "the page": str(page)}
    if share_fit:
        writes["the fit of all"] = str(Path(output, FIT))
    with conversation(verbosity, reads=reads, writes=writes) as tell:
        flags |= {"device": "auto", "work_dir": None, "save_fit": None}
        options_of(preset_name or DEFAULTS.preset, flags)  # a mistake is told at once
        if jobs is not None and jobs < 1:
            raise OptionError(f"jobs is {jobs}; expected 1 or more")

        tasks = find_tasks(source, output, pattern=pattern, suffix=suffix)
        reports.check_sheet(page)
        with contextlib.ExitStack() as stack:
            manifest = stack.enter_context(Manifest(Path(output) / MANIFEST))
            if engine == "ray":
                chosen = _on_ray(stack, address, devices, jobs)
            else:
                chosen = _here(devices, jobs)
            preset = preset_name or _preset(chosen.device, flags)
            options = options_of(preset, flags)
            tell(Detail(settings(options)))
            configuration = configuration_hash(options, share_fit=share_fit)
            shared = _shared(Path(output), manifest, configuration, options) if share_fit else None
            table = Table()

            def listen(event: Event) -> None:
                table(event)
                tell(event)

            result = run_batch(
                tasks,
                chosen,
                manifest,
                configuration,
                flags=(*_given(click.get_current_context()), "--preset", preset),
                retries=retries,
                reports=with_reports,
                shared=shared,
                on_event=listen,
            )
        _show(page, tasks, manifest, options, tell)
        if not verbosity.as_json:
            table.show()
        if result.failed:
            raise BatchError(
                f"{result.failed} of {len(tasks)} videos failed; {manifest.path} tells why; the "
                "same command again tries these, and skips what is done"
            )


def _shared(folder: Path, manifest: Manifest, configuration: str, options: Options) -> SharedFit:
    if options.factor == 1:
        raise OptionError(
            "share_fit is given and the factor is 1, with which nothing is fitted; expected a "
            "factor of at least 2; leave it out"
        )
    place = Path(os.path.abspath(folder), FIT)
    return SharedFit(place, manifest, configuration, overwrite=options.encode.overwrite)


def _show(
    page: Path, tasks: Sequence[Task], manifest: Manifest, options: Options, tell: Listener
) -> None:
    """Write the page of all videos; that it cannot be written changes nothing of what was done."""
    videos = [_shown(task, manifest) for task in sorted(tasks, key=lambda task: task.name)]
    command = shlex.join(["deeptsr", *sys.argv[1:]])
    try:
        tell(reports.write_sheet(page, videos, asdict(options), command=command, on_event=tell))
    except (OutputError, ResourceError) as error:
        tell(Warned(f"there is no page of the batch: {error}"))


def _shown(task: Task, manifest: Manifest) -> reports.Shown:
    entry = manifest.last(task.output)
    assert entry is not None  # each has ended
    stamp = entry.output_stamp
    return reports.Shown(
        name=task.name,
        source=task.input,
        output=task.output,
        failed=entry.state != "done",
        seconds=entry.seconds,
        gain_db=entry.gain_db,
        confidence=entry.confidence,
        warnings=entry.warnings,
        error=entry.error,
        report=task.page if task.page is not None and task.page.exists() else None,
        result_hash=stamp.hash if stamp is not None else "",
        fit=entry.fit,
    )


def _preset(device: str, flags: dict[str, Any]) -> str:
    """The same for all, whatever each of them runs on."""
    if flags["time_budget"] is not None:
        return MOST
    return "balanced" if device == "cuda" else "fast"


def _here(names: Sequence[str], jobs: int | None) -> Engine:
    # Imported here, as torch takes seconds to load.
    from deeptsr.system.devices import available  # noqa: PLC0415

    return LocalEngine(slots(available(names), jobs), MODULE)


def _on_ray(
    stack: contextlib.ExitStack, address: str, names: Sequence[str], jobs: int | None
) -> Engine:
    from deeptsr.jobs.batch.cluster import RayEngine  # noqa: PLC0415

    if len(names) != 1 or ":" in names[0]:
        raise OptionError(
            f"the devices are {','.join(names)}; expected auto, cpu or cuda with --engine ray, "
            "which chooses the cards itself"
        )
    return stack.enter_context(contextlib.closing(RayEngine(address, names[0], jobs, MODULE)))


def _given(context: click.Context) -> tuple[str, ...]:
    """Write the flags that each video's process is given as they were given to this one."""
    words: list[str] = []
    for param in PASSED:
        name = param.name or ""
        if (
            context.get_parameter_source(name) is ParameterSource.DEFAULT
            or param.name == "preset_name"
        ):
            continue
        value = context.params[name]
        if param.is_flag:
            words.append((param.opts if value else param.secondary_opts)[-1])
        else:
            for item in value if param.multiple else (value,):
                words += [param.opts[-1], str(item)]
    return tuple(words)
