"""``deeptsr upscale``: one video in, one video out."""

from __future__ import annotations

import contextlib
import shlex
import sys
from typing import Any

import click

from deeptsr import jobs
from deeptsr import report as reports
from deeptsr.config import NETWORKS, PRESETS, Options
from deeptsr.events import Listener, Planned, Progress

from ..arguments.enlarging import enlarging
from ..arguments.flags import (
    device,
    encoding,
    exclude,
    exclude_pairs,
    output_flags,
    picture,
    verbosity_of,
)
from ..arguments.options import DEFAULTS, chosen_options
from ..arguments.values import (
    FILE,
    exposure,
    frame_rate,
    memory,
    mix,
    moment,
    span,
)
from ..console.notes import Detail
from ..console.sentences import settings
from ..pipes import PIPE, Stdout, check_pipes, source_of, while_read
from ..session import conversation
from ..signals import gentle

__all__ = ["upscale"]


@click.command(short_help="Raise the frame rate of one video, and its size.")
@click.argument("input", type=FILE)
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    help="The video to write, a folder/ for PNGs, or - for stdout (Y4M or NUT).",
)
@click.option(
    "--factor",
    type=int,
    default=DEFAULTS.factor,
    metavar="N",
    help="Output frames for each input frame, 2 or more; with --scale or --size also 1.",
)
@click.option(
    "--fps",
    type=frame_rate,
    metavar="RATE",
    help="Frames a second of the output, such as 60, 59.94 or 120000/1001, instead of --factor: at "
    "least as many as the input has.",
)
@click.option(
    "--vfr",
    type=click.Choice(["keep", "cfr", "error"]),
    default=DEFAULTS.vfr,
    help="What is done about a variable frame rate. keep: every frame keeps its moment. cfr: the "
    "output gets a constant rate. error: it is refused.",
)
@click.option(
    "--slow-motion",
    is_flag=True,
    help="Keep the input's frame rate, and let time pass slower; the sound is dropped.",
)
@click.option(
    "--slow-audio",
    is_flag=True,
    help="With --slow-motion: stretch the sound along, at its pitch.",
)
@enlarging
@click.option(
    "--preset",
    "preset_name",
    type=click.Choice(list(PRESETS)),
    help="How much work is put into it.  [default: fast on a CPU, balanced on CUDA]",
)
@click.option(
    "--network",
    type=click.Choice(list(NETWORKS)),
    help="What learns: see docs/networks.md.  [default: compact; with --preset paper paper]",
)
@device
@click.option(
    "--seed",
    type=int,
    default=DEFAULTS.seed,
    metavar="N",
    help="Of every random draw; the same seed repeats a run.",
)
@click.option(
    "--exposure",
    type=exposure,
    default=DEFAULTS.exposure,
    metavar="SHARE",
    help="How long the shutter was open. full: for the whole frame (blurred motion). delta: for an "
    "instant (sharp, jerky motion). 0.5: for half of it. auto: as long as blur and motion tell.",
)
@click.option(
    "--prior",
    default=DEFAULTS.prior,
    type=FILE,
    metavar="auto|none|FILE",
    help="What a fit starts from. auto: what the program knows of things in motion. none: nothing, "
    "it learns from the video alone. FILE: what `deeptsr pretrain` made. Preset paper takes none.",
)
@click.option(
    "--fit",
    "fit_file",
    type=FILE,
    metavar="FILE",
    help="Take what was fitted to another video of the same camera and event, as --save-fit kept "
    "it, and go on from there for a tenth of the steps. Without --preset, its preset is taken.",
)
@click.option(
    "--save-fit",
    type=FILE,
    metavar="FILE",
    help="Keep what is fitted in this file, such as camera.safetensors, for --fit.",
)
@click.option(
    "--mix",
    type=mix,
    metavar="auto|W:A:S",
    help="Which training pairs to take. auto: what suits the video, by how it moves. W:A:S: these "
    "shares of within, across and shift.  [default: auto; "
    "with --preset paper 0.4:0.4:0.2]",
)
@click.option(
    "--within",
    type=float,
    metavar="P",
    help="Share of training pairs that come from the video played at a lower frame rate. Of the "
    "three shares only the proportions count; one that is not given stays as the preset has it.",
)
@click.option(
    "--across",
    type=float,
    metavar="P",
    help="Share of training pairs that have time and a direction of space swapped.",
)
@click.option(
    "--shift",
    type=float,
    metavar="P",
    help="Share of training pairs that are one frame in translation.",
)
@click.option(
    "--start",
    type=moment,
    metavar="TIME",
    help="Use the input from here on: seconds or [HH:]MM:SS[.fff].  [default: its beginning]",
)
@click.option(
    "--end",
    type=moment,
    metavar="TIME",
    help="Use the input up to here: seconds or [HH:]MM:SS[.fff].  [default: its end]",
)
@picture
@click.option(
    "--scenes",
    default=DEFAULTS.scenes,
    type=FILE,
    metavar="auto|off|FILE",
    help="Scene cuts; nothing crosses one. auto finds them, off takes all as one scene. A FILE "
    "lists the first frame of each scene, a line each: its number, counted from 0, or its time "
    "with a point or a colon (10.0, 0:10).",
)
@click.option(
    "--duplicates",
    type=click.Choice(["keep", "drop"]),
    default=DEFAULTS.duplicates,
    help="Frames that repeat the one before. keep: they stay. drop: the frame before lasts on, "
    "which makes stuttering motion even.",
)
@encoding
@click.option(
    "--time-budget",
    type=span,
    metavar="TIME",
    help="Do what fits in so much time, such as 90, 10m or 1h30m: the speed of this machine is "
    "measured, and from the preset down (by default from quality), work is left out.",
)
@click.option(
    "--work-dir",
    type=FILE,
    metavar="FOLDER",
    help="Where an interrupted run finds its work, and `deeptsr report` the facts of a finished "
    "one.  [default: a hidden folder beside the output]",
)
@click.option(
    "--report",
    type=FILE,
    metavar="FILE",
    help="Also write a page that shows the run, such as r.html.",
)
@click.option(
    "--memory",
    type=memory,
    metavar="SIZE",
    help="How much memory to use at most, about, such as 4G.  [default: most of the machine's]",
)
@click.option(
    "--resume/--no-resume",
    default=DEFAULTS.resume,
    help="Go on from what an interrupted run left, or start anew.",
)
@click.option(
    "--preview",
    type=span,
    metavar="TIME",
    help="Only look: a small film of so much of the input, such as 2s, where it moves most, with "
    "the result beside it; and what the whole would take. It is written beside the output: "
    "out.preview.webm.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done, on stdout.")
@output_flags
def upscale(
    *,
    input: str,
    output: str,
    preset_name: str | None,
    preview: float | None,
    dry_run: bool,
    report: str | None,
    **flags: Any,
) -> None:
    """Raise the frame rate of INPUT and undo its motion blur, learning from that video.

    T frames in, T x factor frames out, larger ones with --scale or --size. An interrupted run goes
    on where it stopped when the same command is given again. INPUT may be -, too: deeptsr works
    between other programs, as in
    ffmpeg -i in.mp4 -f yuv4mpegpipe - | deeptsr upscale - -o - | ffmpeg -i - out.mp4

    \b
    Exit codes: 0 done, 2 wrong usage, 3 the input cannot be used, 4 out of
    memory or disk, 130 interrupted, 143 terminated, 1 a bug in deeptsr.
    """  # noqa: D301, click reads the \b as "do not rewrap this"
    verbosity = verbosity_of(flags)
    exclude_pairs(flags)
    scenes = None if flags["scenes"] in ("auto", "off") else flags["scenes"]
    also = {"as_json": verbosity.as_json, "dry_run": dry_run, "preview": preview, "report": report}
    check_pipes(input, output, also)
    reads = {"the input": _file(input), "the list of scenes": scenes, "the fit": flags["fit_file"]}
    writes = {"the output": _file(output), "the page": report, "the fit to keep": flags["save_fit"]}
    exclude("--preview", "--dry-run", both=preview is not None and dry_run)
    answer = Planned if dry_run else None
    with (
        conversation(
            verbosity, answer=answer, resumes=output != PIPE, reads=reads, writes=writes
        ) as tell,
        contextlib.ExitStack() as stack,
    ):
        options = chosen_options(preset_name, flags)
        tell(Detail(settings(options)))
        if report is not None:
            reports.check_page(report, overwrite=options.encode.overwrite)
        source = stack.enter_context(source_of(input, output, tell))
        if preview is not None:
            jobs.look(source, output, preview, options, tell)
        elif dry_run:
            tell(jobs.plan_file(source, output, options, tell))
        elif output == PIPE:
            jobs.upscale_pipe(source, stack.enter_context(Stdout()), options, while_read(tell))
        else:
            listen = stack.enter_context(gentle(tell))
            _upscale(source, output, options, report, listen)


def _file(name: str) -> str | None:
    return None if name == PIPE else name


def _upscale(source: str, output: str, options: Options, page: str | None, tell: Listener) -> None:
    """Do the work, and keep or show its facts where that is asked for."""
    command = shlex.join(["deeptsr", *sys.argv[1:]])
    recorder = reports.Recorder(source, output, options, tell, command=command)
    jobs.upscale_file(source, output, options, recorder)
    if options.work_dir is not None:
        recorder.record().save(options.work_dir)
    if page is not None:
        tell(Progress(1.0, "report", "making the report"))
        overwrite = options.encode.overwrite
        tell(reports.write_report(recorder.record(), page, overwrite=overwrite, on_event=tell))
