"""``deeptsr --version``: what runs here, for a report of a bug."""

from __future__ import annotations

import platform

import click

import deeptsr

__all__ = ["show_versions"]


def show_versions(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Print the versions and leave: the callback of ``--version``."""
    if value and not ctx.resilient_parsing:
        click.echo(f"deeptsr {deeptsr.__version__}")
        click.echo(f"Python {platform.python_version()}")
        click.echo(_torch())
        click.echo(_av())
        ctx.exit()


def _torch() -> str:
    # A broken installation is when the versions are asked for most.
    try:
        import torch  # noqa: PLC0415, it takes seconds to load
    except (ImportError, OSError) as error:
        return f"torch cannot be imported ({error})"
    built = torch.version.cuda or torch.version.hip
    if not built:
        return f"torch {torch.__version__}\nCUDA none (this torch is built without it)"
    cards = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return f"torch {torch.__version__}\nCUDA {built} ({', '.join(cards) or 'no device found'})"


def _av() -> str:
    try:
        import av  # noqa: PLC0415
    except (ImportError, OSError) as error:
        return f"PyAV cannot be imported ({error})"
    major, minor, patch = av.library_versions["libavcodec"]
    release = getattr(av, "ffmpeg_version_info", None)  # PyAV 13 does not tell
    libavcodec = f"libavcodec {major}.{minor}.{patch}"
    ffmpeg = f"FFmpeg {release} ({libavcodec})" if release else f"FFmpeg with {libavcodec}"
    return f"PyAV {av.__version__}\n{ffmpeg}"
