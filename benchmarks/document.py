"""Write the kept results into the documents, each between the marks that name it.

::

    python -m benchmarks.document            # after a benchmark's --save
    python -m benchmarks.document --check    # only say whether a document lags behind

A table stands where a page in ``docs/`` says so, and what stands there is replaced::

    <!-- results: NAME -->
    <!-- end of results -->

NAME is that of a file ``benchmarks/results/NAME.json``; where there is none yet, the page says so.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks.published import RESULTS, load  # noqa: E402

__all__ = ["DOCUMENTS", "NOT_YET", "marked", "refreshed"]

DOCUMENTS = ROOT / "docs"
NOT_YET = "*Not measured yet with what a fit starts from today.*"
_PLACE = re.compile(
    r"<!-- results: (?P<name>[\w-]+) -->\n.*?<!-- end of results -->", flags=re.DOTALL
)


def refreshed(text: str, results: Path = RESULTS) -> str:
    """Put the tables of the result files between their marks.

    Args:
        text: of a page.
        results: folder of the files.

    Raises:
        ValueError: when a file is no result.
    """

    def table(place: re.Match[str]) -> str:
        name = place["name"]
        file = results / f"{name}.json"
        shown = load(file).markdown() if file.exists() else NOT_YET
        return f"<!-- results: {name} -->\n\n{shown}\n\n<!-- end of results -->"

    return _PLACE.sub(table, text)


def marked(text: str) -> list[str]:
    """Names of the results that a page shows."""
    return [place["name"] for place in _PLACE.finditer(text)]


@click.command(help="Write the kept results into the documents.")
@click.option("--check", is_flag=True, help="Write nothing; fail where a document lags behind.")
def main(check: bool) -> None:
    """Go through all pages."""
    late = []
    for page in sorted(DOCUMENTS.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        fresh = refreshed(text)
        if fresh == text:
            continue
        late.append(page.name)
        if not check:
            page.write_text(fresh, encoding="utf-8")
    click.echo(f"{'lag behind' if check else 'written'}: {', '.join(late) or 'none'}")
    if check and late:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
