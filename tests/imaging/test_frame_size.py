"""How large a result is."""

from fractions import Fraction

import pytest

from deeptsr.errors import OptionError
from deeptsr.imaging.frame_size import check, frame_size, shrunk_size


def sides(*args, **changes):
    made = frame_size(*args, **changes)
    return made.width, made.height


@pytest.mark.parametrize(
    ("given", "aspect", "wanted", "expected"),
    [
        ((480, 640), 1, "1080p", (1440, 1080)),
        ((480, 640), 1, "1440p", (1920, 1440)),
        ((720, 1280), 1, "1080p", (1920, 1080)),
        ((720, 1280), 1, "1440p", (2560, 1440)),
        ((720, 1280), 1, "4k", (3840, 2160)),
        ((1280, 720), 1, "4K", (2160, 3840)),
        ((804, 1920), 1, "4k", (3840, 1608)),
        ((1280, 720), 1, "1080p", (1080, 1920)),  # the short side of a portrait
        ((576, 720), Fraction(64, 45), "1080p", (1350, 1080)),
        ((576, 720), Fraction(16, 15), "1440p", (1800, 1440)),
        ((480, 720), Fraction(8, 9), "x960", (1440, 960)),
        ((480, 720), Fraction(8, 9), "1280x", (1440, 960)),  # as wide as it is shown
        ((360, 640), 1, "1920x1200", (1920, 1080)),  # it fits into that
        ((360, 640), 1, "640x360", (640, 360)),
    ],
)
def test_a_size_by_name(given, aspect, wanted, expected):
    made = frame_size(given, wanted=wanted, aspect=Fraction(aspect), even=True)
    assert (made.width, made.height) == expected
    assert not made.note


@pytest.mark.parametrize("scale", [2, 3, Fraction(3, 2), Fraction(4, 3), Fraction(9, 4)])
@pytest.mark.parametrize("even", [False, True])
@pytest.mark.parametrize("given", [(181, 321), (240, 426), (17, 16)])
def test_both_sides_grow_alike_to_a_pixel(given, scale, even):
    made = frame_size(given, scale, even=even)
    for side, exact in zip((made.height, made.width), given, strict=True):
        assert abs(side - exact * scale) <= (1 if even else Fraction(1, 2))
        assert not (even and side % 2)
    exactly = (made.height, made.width) == tuple(side * scale for side in given)
    assert exactly == (made.note == "")


def test_scale_1_keeps_odd_sides_whatever_the_format_asks():
    assert sides((181, 321), even=True) == (321, 181)
    assert sides((181, 321), wanted="321x", even=True) == (321, 181)


def test_it_is_never_smaller_than_the_input():
    assert sides((181, 321), Fraction(1001, 1000), even=True) == (322, 182)
    assert sides((181, 321), Fraction(1001, 1000)) == (321, 181)


@pytest.mark.parametrize("wanted", ["x", "1080", "p", "0x0", "1920X1080", "12x3x4", "", "-4x5"])
def test_a_size_that_is_not_understood_is_refused(wanted):
    with pytest.raises(OptionError, match="expected a height such as 1080p"):
        check(wanted)


def test_a_smaller_size_is_refused():
    with pytest.raises(OptionError, match=r"shown as 1024 x 576 pixels.*degrade"):
        frame_size((576, 720), wanted="480p", aspect=Fraction(64, 45))


def test_a_size_beyond_all_encoders_is_refused():
    with pytest.raises(OptionError, match="at most 16384 a side"):
        frame_size((1080, 1920), 9)


@pytest.mark.parametrize(
    ("given", "scale", "even", "expected"),
    [
        ((270, 480), 2, True, (240, 136)),
        ((270, 480), 2, False, (240, 135)),
        ((181, 321), Fraction(3, 2), True, (214, 120)),
        ((181, 321), 1, True, (321, 181)),
        ((3, 3), 64, True, (2, 2)),
    ],
)
def test_a_camera_of_fewer_pixels(given, scale, even, expected):
    made = shrunk_size(given, scale, even=even)
    assert (made.width, made.height) == expected
    assert bool(made.note) == (tuple(expected) != tuple(s / scale for s in reversed(given)))
