"""Commands that draw the pictures of a page of the documentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

__all__ = ["drawing"]

DOCS, DPI = Path(__file__).resolve().parents[1] / "docs", 110


def drawing(
    page: str, flag: str, pictures: Mapping[str, Callable[[], Figure]], **saving: Any
) -> click.Command:
    """Make a command that draws all pictures of a page, or some, and writes them as small files.

    Args:
        page: its name; its pictures lie in a folder of that name beside it.
        flag: that chooses some of them, such as "--picture".
        pictures: what draws each, by name.
        saving: see matplotlib's ``savefig``.
    """

    @click.command(help=f"Draw the pictures of docs/{page}.md.")
    @click.option(flag, "names", multiple=True, type=click.Choice(list(pictures)), help="Some.")
    @click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        default=DOCS / page,
        help=f"Folder.  [default: docs/{page}]",
    )
    def main(names: tuple[str, ...], out: Path) -> None:
        out.mkdir(parents=True, exist_ok=True)
        for name in names or pictures:
            path = out / f"{name}.png"
            drawn = pictures[name]()
            drawn.savefig(path, dpi=DPI, facecolor="white", **saving)
            plt.close(drawn)
            with Image.open(path) as picture:
                small = picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE)
            small.save(path, optimize=True)
            click.echo(path)

    return main
