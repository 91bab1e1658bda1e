"""What the site needs beside the Markdown: pages from the root, and our docstrings."""

from __future__ import annotations

import ast
import logging
import re
from pathlib import Path
from typing import Any

from griffe import Attribute, Docstring, Extension, Object, ObjectNode
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

LOG = logging.getLogger("mkdocs.hooks.pages")
ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that stand at the root of the repository, as a reader expects them there."""
    for name, page in PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=re.sub(r"\]\(docs/", "](", text)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Lead links to those pages there; of links to the code, which is no page, keep the words."""
    for name, page in PAGES.items():
        markdown = re.sub(rf"\]\((\.\./)?{re.escape(name)}", f"]({page}", markdown)

    def words(link: re.Match[str]) -> str:
        if not (ROOT / "docs" / link[2]).exists():
            LOG.warning("a link leads to %s, which is not there", link[2])
        return link[1]

    return with_pipes(re.sub(r"\[([^\]]+)\]\((\.\./[^)]*)\)", words, markdown))


def with_pipes(markdown: str) -> str:
    r"""Write pipes in a table's code as they are said, which are escaped for GitHub alone.

    >>> with_pipes(r"| both | `one \| other` |")
    '| both | `one | other` |'
    """

    def row(found: re.Match[str]) -> str:
        return re.sub("`[^`]*`", lambda code: code[0].replace(r"\|", "|"), found[0])

    return re.sub(r"^\|.*", row, markdown, flags=re.MULTILINE)


def on_page_content(html: str, **_: Any) -> str:
    """Keep flags whole, which a narrow screen would break after their hyphens.

    >>> on_page_content("<p><code>--slow-motion 2</code> is --slow</p>")
    '<p><code><span style="white-space: nowrap">--slow-motion</span> 2</code> is --slow</p>'
    """

    def whole(code: re.Match[str]) -> str:
        return re.sub("--[a-z-]+", r'<span style="white-space: nowrap">\g<0></span>', code[0])

    return re.sub("<code>[^<]*</code>", whole, html)


def as_markdown(text: str) -> str:
    """A docstring's text: roles become code, examples and drawings become blocks.

    >>> as_markdown("See :func:`~a.b`.")
    'See `b`.'
    """
    text = re.sub(r":\w+:`(?:~[\w.]+\.)?([^`]+)`", r"`\1`", text)
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    text = re.sub(r"^(\s*)::\n", r"\1\n", text, flags=re.MULTILINE)
    text = re.sub(r" +# doctest: .*", "", text)
    return re.sub(r"^>>> (?:.+\n?)+", r"```pycon\n\g<0>\n```\n", text, flags=re.MULTILINE)


def comment_on(lines: list[str], first: int, last: int) -> str:
    """What is said of a field: in the comment beside it, or in the one above where there is none.

    Args:
        lines: of the file.
        first: line of the field, from 1.
        last: line that it ends in.
    """
    beside = lines[last - 1].partition("  # ")[2]
    if beside:
        # It goes on in the next line where that does not begin a sentence of its own.
        for line in lines[last:]:
            more = re.match(r"\s*# ([a-z].*)", line)
            if not more:
                break
            beside += " " + more[1]
        return beside
    above: list[str] = []
    for line in reversed(lines[: first - 1]):
        said = re.match(r"\s*# (.*)", line)
        if not said:
            break
        above.insert(0, said[1])
    return " ".join(above)


class HouseDocstrings(Extension):
    """Reads our docstrings as Markdown, and the comment beside a setting as its description."""

    def on_instance(self, *, node: ast.AST | ObjectNode, obj: Object, **_: Any) -> None:
        """Translate the docstring of anything."""
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)

    def on_attribute_instance(
        self, *, node: ast.AST | ObjectNode, attr: Attribute, **_: Any
    ) -> None:
        """Take the comment of a field for its docstring."""
        if attr.docstring or not attr.lineno or not attr.endlineno:
            return
        if not (attr.parent and attr.parent.is_class):
            return
        said = comment_on(attr.lines_collection[attr.filepath], attr.lineno, attr.endlineno)
        if said:
            attr.docstring = Docstring(said[0].upper() + said[1:], parent=attr)
