"""FFmpeg's filters: small graphs that frames are pushed through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
from av.filter import Graph
from av.filter.context import FilterContext

__all__ = ["TICK", "deinterlaced", "entry", "ready"]

TICK = Fraction(1, 25)  # seconds; any will do, as frames are only counted


def entry(graph: Graph, size: tuple[int, int], pix_fmt: str) -> FilterContext:
    """Add the place where frames of a size and a pixel format go in."""
    return graph.add_buffer(
        width=size[0], height=size[1], format=av.VideoFormat(pix_fmt), time_base=TICK
    )


def ready(graph: Graph) -> Iterator[av.VideoFrame]:
    """Yield the frames that a graph has ready."""
    while True:
        try:
            yield graph.vpull()
        except (av.BlockingIOError, av.EOFError):
            return


def deinterlaced(frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """Yield a whole picture for each frame, of the moment of its first field."""
    graph = Graph()
    first: av.VideoFrame | None = None
    for count, frame in enumerate(frames):
        if first is None:
            first = frame
            source = entry(graph, (frame.width, frame.height), frame.format.name)
            # "all": users ask for it where a file does not say that it is interlaced, too.
            bwdif = graph.add("bwdif", "mode=send_frame:deint=all")
            source.link_to(bwdif)
            bwdif.link_to(graph.add("buffersink"))
            graph.configure()
        elif (frame.width, frame.height, frame.format.name) != (
            *(first.width, first.height, first.format.name),
        ):
            break  # the filter knows one size: what comes after is found missing
        frame.pts, frame.time_base = count, TICK
        graph.push(frame)
        yield from ready(graph)
    if first is not None:
        graph.push(None)
        yield from ready(graph)
