import shlex
import struct
from fractions import Fraction

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from deeptsr.config import EncodeSettings
from deeptsr.errors import InputError
from deeptsr.video import VideoWriter, probe, read
from deeptsr.video.reading.image_folder import natural_key
from tests.helpers.clips import decode, ffmpeg, noise


def write_images(folder, frames, names):
    folder.mkdir(exist_ok=True)
    for frame, name in zip(frames, names, strict=True):
        iio.imwrite(folder / name, frame)
    return folder


def test_natural_order_by_hand():
    names = ["f10.png", "f2.png", "F1.png", "f1b.png", "f02.png", "10.png", "9.png", "a"]
    assert sorted(names, key=natural_key) == [
        *("9.png", "10.png", "a", "F1.png", "f1b.png", "f02.png", "f2.png", "f10.png")
    ]


def test_a_folder_is_read_in_natural_order_and_exactly(tmp_path):
    frames = noise(12, 19, 21)
    folder = write_images(tmp_path / "in", frames, [f"frame{i}.png" for i in range(1, 13)])
    info = probe(folder)
    assert (info.kind, info.width, info.height, info.frames) == ("folder", 21, 19, 12)
    assert info.rate == 30
    assert info.start == 0
    assert (info.codec, info.pix_fmt, info.has_audio) == ("png", "rgb24", False)
    [note] = info.notes
    assert note.startswith("a folder of images has no frame rate: taken as 30 fps; ")
    got = np.stack(list(read(info)))
    np.testing.assert_array_equal(np.rint(got * 255), frames)
    part = np.stack(list(read(info, 0.1, 0.2)))
    np.testing.assert_array_equal(part, got[3:6])


def test_a_folder_gets_another_rate_by_the_command_that_is_told(tmp_path):
    frames = noise(3, 16, 20)
    folder = write_images(tmp_path / "in", frames, ["1.png", "2.png", "3.png"])
    [note] = probe(folder).notes
    told = note.partition("first: ffmpeg ")[2].replace("FOLDER", str(folder))
    ffmpeg(*shlex.split(told.replace("OUTPUT.mkv", str(tmp_path / "out.mkv"))))
    info = probe(tmp_path / "out.mkv")
    assert info.rate == 24
    np.testing.assert_array_equal(np.rint(np.stack(list(read(info))) * 255), frames)


def test_other_files_are_ignored_and_said(tmp_path):
    folder = write_images(tmp_path / "in", noise(2, 8, 8), ["1.png", "2.png"])
    (folder / "notes.txt").write_text("hello")
    (folder / ".DS_Store").write_text("hidden files are not worth a word")
    (folder / "deeper").mkdir()
    info = probe(folder)
    assert info.frames == 2
    assert any(note.startswith("2 other files or folders") for note in info.notes)


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no image; expected files such as 00001\.png"):
        probe(tmp_path)


def test_another_size_is_refused_by_name(tmp_path):
    folder = write_images(tmp_path / "in", noise(2, 8, 8), ["1.png", "2.png"])
    iio.imwrite(folder / "3.png", noise(1, 8, 10)[0])
    with pytest.raises(InputError, match=r"3\.png has 10x8 pixels and 1\.png has 8x8"):
        probe(folder)


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n"])
def test_a_broken_image_is_refused_by_name(tmp_path, content):
    folder = write_images(tmp_path / "in", noise(1, 8, 8), ["1.png"])
    (folder / "2.png").write_bytes(content)
    with pytest.raises(InputError, match=r"2\.png cannot be read as an image"):
        probe(folder)


def test_an_image_that_breaks_off_is_an_error_while_reading(tmp_path):
    folder = write_images(tmp_path / "in", noise(2, 40, 40), ["1.png", "2.png"])
    path = folder / "2.png"
    path.write_bytes(path.read_bytes()[:2000])
    frames = read(probe(folder))
    next(frames)
    with pytest.raises(InputError, match=r"2\.png cannot be read"):
        next(frames)


def test_a_folder_that_changes_is_an_error(tmp_path):
    folder = write_images(tmp_path / "in", noise(2, 8, 8), ["1.png", "2.png"])
    info = probe(folder)
    (folder / "2.png").unlink()
    with pytest.raises(InputError, match="had 2 images and now has 1"):
        list(read(info))


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("a.png", "gray"),
        ("a.png", "alpha"),
        ("a.png", "gray16"),
        ("a.bmp", "rgb"),
        ("a.png", "bit"),
    ],
)
def test_images_of_every_mode(tmp_path, name, mode):
    rgb = noise(1, 8, 10)[0]
    deep = np.random.default_rng(3).integers(0, 65536, (8, 10), np.uint16)
    image, truth = {
        "gray": (rgb[..., 0], rgb[..., :1] / 255),
        "alpha": (np.dstack([rgb, rgb[..., 0]]), rgb / 255),
        "gray16": (deep, deep[..., None] / 65535),
        "rgb": (rgb, rgb / 255),
        "bit": (rgb[..., 0] > 127, (rgb[..., :1] > 127).astype(float)),
    }[mode]
    info = probe(write_images(tmp_path / "in", [image], [name]))
    (frame,) = read(info)
    assert frame.shape == (8, 10, 3)
    cover = rgb[..., :1] / 255 if mode == "alpha" else 1.0  # laid over black
    np.testing.assert_allclose(frame, truth * cover + np.zeros(3), atol=1e-6)
    assert info.alpha == (mode == "alpha")


# For each number of EXIF: where the stored picture's corner at the top left is shown.
CORNERS = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1)}
CORNERS[8] = (-1, 0)


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize("ending", [".jpg", ".png", ".tiff"])
def test_an_image_that_asks_to_be_turned_is_turned(tmp_path, number, ending):
    folder = tmp_path / "in"
    folder.mkdir()
    picture = Image.fromarray(np.zeros((32, 64, 3), np.uint8))
    picture.paste((255, 255, 255), (0, 0, 8, 8))
    picture.paste((120, 120, 120), (56, 0, 64, 8))  # at the top right
    exif = Image.Exif()
    exif[0x0112] = number
    picture.save(folder / f"1{ending}", exif=exif)
    info = probe(folder)
    assert (info.width, info.height) == ((64, 32) if number < 5 else (32, 64))
    (frame,) = read(info)
    row, column = CORNERS[number]
    assert frame[row, column].min() > 0.95
    truth = np.asarray(ImageOps.exif_transpose(Image.open(folder / f"1{ending}")), np.float32)
    np.testing.assert_allclose(frame, truth / 255, atol=1e-6)


def make_gif(path, frames=7, rate="12.5", more=()):
    ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=s=66x42:r={rate},trim=end_frame={frames}"),
        *("-filter_complex", "split[a][b];[a]palettegen[p];[b][p]paletteuse", *more, path),
    )
    return path


def test_a_gif_is_read_as_ffmpeg_reads_it(tmp_path):
    path = make_gif(tmp_path / "a.gif")
    info = probe(path)
    assert (info.kind, info.width, info.height, info.frames) == ("gif", 66, 42, 7)
    assert info.rate == Fraction(25, 2)
    assert info.notes == ()
    got = np.rint(np.stack(list(read(info))) * 255)
    np.testing.assert_array_equal(got, decode(path, "rgb24", (66, 42)))
    part = np.stack(list(read(info, 0.16, 0.4)))
    np.testing.assert_array_equal(np.rint(part * 255), got[2:5])


def test_a_gif_is_known_by_its_content(tmp_path):
    path = make_gif(tmp_path / "a.gif").rename(tmp_path / "a.mp4")
    assert probe(path).kind == "gif"


def gif_with(path, delays):
    iio.imwrite(path, noise(len(delays), 8, 8), duration=delays, loop=0)
    return path


def test_gif_delays(tmp_path):
    even = probe(gif_with(tmp_path / "a.gif", [50] * 5))
    assert (even.rate, even.notes) == (20, ())
    # 30 a second in hundredths: the average is exact.
    thirds = probe(gif_with(tmp_path / "b.gif", [30, 30, 40] * 3))
    assert (thirds.rate, thirds.notes) == (30, ())
    uneven = probe(gif_with(tmp_path / "c.gif", [50, 500, 50]))
    assert uneven.rate == 5
    assert any(note.startswith("variable frame rate") for note in uneven.notes)
    none = probe(gif_with(tmp_path / "d.gif", [0] * 4))
    assert none.rate == 10
    assert any("names no usable delay: taken as 10 fps" in note for note in none.notes)
    assert probe(gif_with(tmp_path / "e.gif", [10] * 4)).rate == 10


def test_a_transparent_gif_says_so(tmp_path):
    frames = np.dstack([noise(1, 8, 8)[0] // 64 * 64, np.full((8, 8), 255, np.uint8)])[None]
    frames = frames.repeat(3, 0)
    frames[:, :4, :, 3] = 0
    iio.imwrite(tmp_path / "a.gif", frames, duration=100)
    info = probe(tmp_path / "a.gif")
    assert info.alpha
    assert next(iter(read(info))).shape == (8, 8, 3)
    assert next(iter(read(info, alpha=True)))[..., 3].tolist() == [[0.0] * 8] * 4 + [[1.0] * 8] * 4
    assert not probe(make_gif(tmp_path / "b.gif")).alpha


def test_a_truncated_gif_gives_what_is_there_or_is_refused(tmp_path):
    path = make_gif(tmp_path / "a.gif", frames=20)
    whole = path.read_bytes()
    counts = []
    for size in range(6, len(whole), 61):
        path.write_bytes(whole[:size])
        try:
            info = probe(path)
        except InputError:
            counts.append(0)
            continue
        assert len(list(read(info))) == info.frames
        assert any("damaged" in note for note in info.notes) or info.frames == 20
        counts.append(info.frames)
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] >= 18


def test_a_gif_cut_within_its_header_is_refused(tmp_path):
    path = make_gif(tmp_path / "a.gif")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="not one frame"):
        probe(path)


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([1, 2, 3, 4], 0),
        ([1, 2, 5, 6], 2),
        ([1, 2, 4, 5, 9], 4),
        ([10, 20, 30], 0),
    ],
)
def test_missing_numbers_are_said(tmp_path, numbers, missing):
    for number in numbers:
        Image.new("RGB", (32, 32)).save(tmp_path / f"f{number:04}.png")
    notes = [note for note in probe(tmp_path).notes if "numbers are missing" in note]
    assert [note.split()[0] for note in notes] == ([str(missing)] if missing else [])


def test_mixed_depths_are_said(tmp_path):
    for number, pix_fmt in ((1, "rgb24"), (2, "rgb48be"), (3, "rgb48be")):
        form = ("-frames:v", 1, "-pix_fmt", pix_fmt)
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=32x32", *form, tmp_path / f"{number}.png")
    assert any("8 bits a sample and others have 16" in note for note in probe(tmp_path).notes)
    (tmp_path / "1.png").unlink()
    assert not any("bits a sample" in note for note in probe(tmp_path).notes)


@pytest.mark.parametrize("primaries", ["smpte432", "bt2020", "bt709"])
def test_wide_colours_of_pngs_keep_their_primaries(tmp_path, primaries):
    tags = f"color_primaries={primaries}:color_trc=iec61966-2-1:colorspace=gbr:range=pc"
    form = f"testsrc2=s=32x32:d=0.2,format=rgb24,setparams={tags}"
    (tmp_path / "in").mkdir()
    ffmpeg("-f", "lavfi", "-i", form, tmp_path / "in" / "%d.png")
    info = probe(tmp_path / "in")
    wide = primaries != "bt709"
    assert info.color.primaries == (primaries if wide else "unknown")
    for name in ("o.mp4", "o/"):
        with VideoWriter(
            f"{tmp_path}/{name}",
            size=(32, 32),
            timeline=info.timeline,
            source=info,
            settings=EncodeSettings(),
        ) as writer:
            writer.write(np.stack(list(read(info))))
            writer.finish()
        again = probe(tmp_path / name)
        assert again.color.primaries == info.color.primaries
        assert again.color.transfer == info.color.transfer


# XYZ of red, green and blue under D50, as their makers' profiles have it.
P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
PROFILES = {"Display P3": P3, "Adobe RGB (1998)": ADOBE}


def patched(data, tag, value):
    """A profile whose tag holds something else, of the same length or shorter."""
    (count,) = struct.unpack(">I", data[128:132])
    for entry in range(132, 132 + 12 * count, 12):
        name, offset, size = struct.unpack(">4sII", data[entry : entry + 12])
        if name == tag:
            assert len(value) <= size
            return data[:offset] + value.ljust(size, b"\0") + data[offset + size :]
    raise AssertionError(tag)


def profile_of(name, *, gamma=None):
    """sRGB with a name, primaries and, where it is given, a gamma of others."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if name in PROFILES:
        for tag, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), PROFILES[name], strict=True):
            numbers = struct.pack(">3i", *(round(x * 65536) for x in xyz))
            data = patched(data, tag, b"XYZ \0\0\0\0" + numbers)
    if gamma:
        curve = b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256))
        data = patched(data, b"rTRC", curve)  # all three lie in one place
    text = name.encode("utf-16-be")
    head = struct.pack(">4sIII4sII", b"mluc", 0, 1, 12, b"enUS", len(text), 28)
    # Behind all others, as it may be longer.
    (count,) = struct.unpack(">I", data[128:132])
    entry = next(e for e in range(132, 132 + 12 * count, 12) if data[e : e + 4] == b"desc")
    place = struct.pack(">II", len(data), len(head + text))
    data = data[: entry + 4] + place + data[entry + 12 :] + head + text
    data += bytes(-len(data) % 4)
    return struct.pack(">I", len(data)) + data[4:]


def notes_on_profiles(info):
    return [note for note in info.notes if "ICC" in note]


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp"])
def test_display_p3_from_a_profile_alone_is_kept(tmp_path, ending):
    (tmp_path / "in").mkdir()
    for number in (1, 2):
        image = Image.new("RGB", (32, 32), (200, 30, 90 * number))
        image.save(tmp_path / "in" / f"{number}.{ending}", icc_profile=profile_of("Display P3"))
    info = probe(tmp_path / "in")
    assert (info.color.primaries, info.color.transfer) == ("smpte432", "iec61966-2-1")
    assert notes_on_profiles(info) == []
    with VideoWriter(
        tmp_path / "o.mp4",
        size=(32, 32),
        timeline=info.timeline,
        source=info,
        settings=EncodeSettings(),
    ) as writer:
        writer.write(np.stack(list(read(info))))
        writer.finish()
    assert probe(tmp_path / "o.mp4").color.primaries == "smpte432"


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (profile_of("Adobe RGB (1998)", gamma=2.2), "Adobe RGB (1998)"),
        (profile_of("Adobe RGB (1998)"), "Adobe RGB (1998)"),
        (profile_of("Display P3", gamma=1.0), "Display P3"),  # the name alone does not do
        (profile_of("linear", gamma=1.0), "linear"),
        (b"no profile" * 20, "names nothing"),
        (profile_of("anything"), None),  # sRGB under another name
        (None, None),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_profile_that_no_tags_say_is_named(tmp_path, mode, profile, said):
    Image.new(mode, (32, 32)).save(tmp_path / "1.png", icc_profile=profile)
    info = probe(tmp_path)
    assert (info.color.primaries, info.color.transfer) == ("unknown", "unknown")
    notes = notes_on_profiles(info)
    assert len(notes) == (said is not None)
    assert all(said in note for note in notes)


def test_profiles_that_differ_are_said(tmp_path):
    for name in ("Display P3", "Adobe RGB (1998)"):
        Image.new("RGB", (32, 32)).save(tmp_path / f"{name}.png", icc_profile=profile_of(name))
    assert "different colour profiles" in notes_on_profiles(probe(tmp_path))[0]
