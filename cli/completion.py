"""``deeptsr completion``: what a shell needs to complete the command's words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click
from click.shell_completion import get_completion_class

from .console.json_lines import print_line

__all__ = ["completing", "completion"]

_NAME, _VARIABLE = "deeptsr", "_DEEPTSR_COMPLETE"  # as `main` calls the group


@contextmanager
def completing() -> Iterator[None]:
    """End in silence where a shell asks for words and does not say of what: a prompt is no log."""
    try:
        yield
    except (LookupError, ValueError):
        if _VARIABLE not in os.environ:
            raise
        raise SystemExit(1) from None


@click.command(short_help="Print what makes a shell complete commands, flags and files.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script that makes SHELL complete the commands, flags, choices and files of deeptsr.

    \b
    bash:  deeptsr completion bash > ~/.local/share/bash-completion/completions/deeptsr
    zsh:   deeptsr completion zsh > "${fpath[1]}/_deeptsr"
    fish:  deeptsr completion fish > ~/.config/fish/completions/deeptsr.fish

    Shells that are opened from then on know it.
    """  # noqa: D301, click reads the \b as "do not rewrap this"
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"got {shell!r}; expected bash, zsh or fish.")
    print_line(kind(ctx.find_root().command, {}, _NAME, _VARIABLE).source())
