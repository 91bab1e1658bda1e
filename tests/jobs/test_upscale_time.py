"""Rates, variable rates, offsets and slow motion, from file to file; ffmpeg reads what came out."""

import json
from fractions import Fraction
from itertools import accumulate, pairwise

import imageio.v3 as iio
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.main import cli
from deeptsr.config import EncodeSettings, PyramidSettings
from deeptsr.errors import InputError, OptionError
from deeptsr.events import Progress, Warned
from deeptsr.jobs import upscale as upscale_job
from deeptsr.jobs.probe import plan_file
from deeptsr.jobs.resources import memory
from deeptsr.jobs.upscale import upscale_array, upscale_file
from deeptsr.pyramid.stage import FittedStage
from deeptsr.video import probe
from tests.helpers.clips import (
    clip,
    decode,
    describe,
    duration,
    ffmpeg,
    noise,
    sound,
    sound_packets,
    timestamps,
)
from tests.helpers.synth import tiny

NTSC = Fraction(24000, 1001)
MS = Fraction(1, 1000)
SIZE = (32, 24)
LOSSLESS = EncodeSettings(codec="libx264", crf=0)


@pytest.fixture
def quick(monkeypatch):
    """Interpolate at every stage: when frames are shown has nothing to do with the networks."""
    monkeypatch.setattr(
        upscale_job,
        "fit_job",
        lambda job, *_: (job, tuple(FittedStage(s, None) for s in job.stages)),
    )


def upscale(path, out, told=None, **options):
    done = upscale_file(path, out, tiny(**options), (told if told is not None else []).append)
    if out.suffix:
        assert done.frames == len(timestamps(out))
    return done


def still(path, *options, rate="25", frames=8, **more):
    """A picture that stays, so that every output frame must have its mean."""
    still = ("-vf", "loop=-1:1:0,setpts=N/FRAME_RATE/TB")
    return clip(path, *still, *options, size="32x24", rate=rate, frames=frames, **more)


def uneven(path, gaps, *options, unit="1/1000", lead=0.0, sound=0):
    """Frames that last so many units each; those of the last one are not always stored."""
    begins = list(accumulate(gaps, initial=0))
    times = "+".join(f"{gap}*gt(N\\,{i})" for i, gap in enumerate(gaps))
    return clip(
        path,
        *("-vf", f"settb={unit},setpts='{times}+{lead}/TB'", "-fps_mode", "passthrough"),
        *("-enc_time_base", unit, "-video_track_timescale", "90000")
        if path.suffix == ".mp4"
        else ("-enc_time_base", unit),
        *options,
        size="32x24",
        rate="25",
        frames=len(begins) - 1,
        sound=sound,
    )


def between(moments, factor):
    """What subdividing makes of moments, the last of which is an end."""
    return [a + (b - a) * k / factor for a, b in pairwise(moments) for k in range(factor)]


def near(found, wanted, tick):
    assert len(found) == len(wanted)
    assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= tick


def same_sound(source, made):
    """But for the packets that only prime a decoder, where the format cannot hide them."""
    given, copied = sound_packets(source), sound_packets(made)
    assert copied == given[len(given) - len(copied) :]
    assert len(given) - len(copied) <= (made.suffix == ".mkv" and source.suffix == ".mp4")


# --- factors ---


@pytest.mark.parametrize(
    ("rate", "name"),
    [
        ("24000/1001", "a.mp4"),
        ("24000/1001", "a.mkv"),
        ("24000/1001", "a.avi"),
        ("30000/1001", "a.mp4"),
        ("30000/1001", "a.webm"),
        ("25", "a.mov"),
        ("25/2", "a.avi"),
        ("25/2", "a.mkv"),
    ],
)
def test_constant_rates_are_exact_in_every_container(quick, tmp_path, rate, name):
    path = still(tmp_path / "in.mkv", rate=rate)
    done = upscale(path, tmp_path / name, factor=4)
    assert Fraction(done.rate) == Fraction(rate) * 4
    moments = timestamps(tmp_path / name)
    exact = [i / (Fraction(rate) * 4) for i in range(32)]
    near([m - moments[0] for m in moments], exact, MS if name in ("a.mkv", "a.webm") else 0)
    assert abs(duration(tmp_path / name) - 8 / Fraction(rate)) < 1 / Fraction(rate) / 4 + 0.005
    assert probe(tmp_path / name).rate == Fraction(rate) * 4
    means = decode(tmp_path / name, "rgb24", SIZE).mean((1, 2, 3))
    assert np.ptp(means) < 0.5


GAPS = [40, 40, 120, 40, 17, 16, 400, 40]


@pytest.mark.parametrize(
    ("source", "name", "factor"),
    [
        ("in.mp4", "a.mp4", 3),
        ("in.mp4", "a.mkv", 2),
        ("in.mkv", "a.mov", 2),
        ("in.mkv", "a.webm", 3),
        ("in.mkv", "a.mp4", 4),
    ],
)
def test_a_variable_rate_is_subdivided(quick, tmp_path, source, name, factor):
    path = uneven(tmp_path / source, GAPS)
    info = probe(path)
    given = [info.timeline.moment(i) for i in range(9)]
    assert [round((b - a) * 1000) for a, b in pairwise(given)][:7] == GAPS[:7]
    upscale(path, tmp_path / name, factor=factor)
    moments, exact = timestamps(tmp_path / name), between(given, factor)
    near([m - moments[0] for m in moments], exact, MS if name[-3:] in ("mkv", "ebm") else 0)
    assert moments[::factor] == timestamps(path) or name[-3:] in ("mkv", "ebm")
    assert abs(duration(tmp_path / name) - info.duration) <= 0.011


def test_a_variable_rate_can_be_made_constant(quick, tmp_path):
    path = uneven(tmp_path / "in.mkv", GAPS)
    done = upscale(path, tmp_path / "a.mp4", factor=2, vfr="cfr")
    info = probe(path)
    assert Fraction(done.rate) == pytest.approx(2 * info.rate)
    assert (done.frames, probe(tmp_path / "a.mp4").timeline.is_constant) == (16, True)
    assert abs(duration(tmp_path / "a.mp4") - info.duration) < 1 / Fraction(done.rate)
    upscale(path, tmp_path / "a.avi", factor=2, vfr="cfr")


def test_a_variable_rate_can_be_refused(tmp_path):
    path = uneven(tmp_path / "in.mkv", GAPS)
    for call in (upscale_file, plan_file):
        with pytest.raises(InputError, match="frame rate is variable"):
            call(path, tmp_path / "a.mp4", tiny(vfr="error"))
        with pytest.raises(OptionError, match=r"no timestamps and the frame rate is variable"):
            call(path, tmp_path / "a.avi", tiny())


def test_a_stretch_of_a_variable_rate(quick, tmp_path):
    path = uneven(tmp_path / "in.mkv", GAPS)
    upscale(path, tmp_path / "a.mp4", start=0.08, end=0.27)  # the frames at 80, 200, 240, 257 ms
    assert timestamps(tmp_path / "a.mp4") == between(
        [Fraction(n, 1000) for n in (0, 120, 160, 177, 193)], 2
    )


# --- target rates ---


@pytest.mark.parametrize(
    ("rate", "fps", "frames", "exposure", "name"),
    [
        ("25", Fraction(60), 20, "full", "a.mp4"),  # 8 / 25 s: 19.2 frames
        ("25", Fraction(60), 20, "delta", "a.mkv"),
        ("25", Fraction(60), 20, 0.5, "a.mkv"),
        ("25", Fraction(60), 20, "auto", "a.mkv"),
        ("24000/1001", Fraction(60), 21, "full", "a.mkv"),
        ("24", Fraction(60_000, 1001), 20, "full", "a.avi"),
        ("30000/1001", Fraction(120_000, 1001), 32, "delta", "a.mp4"),
        ("25", Fraction(25), 8, "full", "a.mov"),
    ],
)
def test_any_rate_can_be_asked_for(quick, tmp_path, rate, fps, frames, exposure, name):
    path = still(tmp_path / "in.mkv", rate=rate)
    done = upscale(path, tmp_path / name, fps=fps, exposure=exposure)
    assert (done.frames, Fraction(done.rate)) == (frames, fps)
    near(timestamps(tmp_path / name), [i / fps for i in range(frames)], MS * (name == "a.mkv"))
    assert abs(duration(tmp_path / name) - 8 / Fraction(rate)) < 1 / fps + 0.011
    means = decode(tmp_path / name, "rgb24", SIZE).mean((1, 2, 3))
    assert np.ptp(means) < 0.5


def test_a_rate_that_a_factor_reaches_gives_the_same_frames(quick, tmp_path):
    path = clip(tmp_path / "in.mkv", size="32x24", frames=12)
    upscale(path, tmp_path / "a.mkv", factor=5, encode=LOSSLESS)
    upscale(path, tmp_path / "b.mkv", fps=Fraction(120_000, 1001), encode=LOSSLESS)
    frames = [decode(tmp_path / name, None, SIZE) for name in ("a.mkv", "b.mkv")]
    assert np.array_equal(*frames)


def test_the_input_s_own_rate_gives_the_input(quick, tmp_path):
    path = clip(tmp_path / "in.mkv", "-c:v", "ffv1", "-pix_fmt", "bgr0", size="32x24", frames=8)
    upscale(path, tmp_path / "a.mkv", fps=NTSC, encode=EncodeSettings("ffv1"))
    made, given = (decode(p, "rgb24", SIZE).astype(int) for p in (tmp_path / "a.mkv", path))
    # But for what was clipped near black and white.
    assert np.median(np.abs(made - given)) <= 1


def test_a_variable_rate_becomes_the_one_asked_for(quick, tmp_path):
    path = uneven(tmp_path / "in.mp4", GAPS)
    length = probe(path).duration
    done = upscale(path, tmp_path / "a.mp4", fps=Fraction(60))
    moments = timestamps(tmp_path / "a.mp4")
    assert moments == [Fraction(i, 60) for i in range(done.frames)]
    assert abs(done.frames / Fraction(60) - length) < Fraction(1, 60)


def test_a_lower_rate_is_refused(tmp_path):
    path = still(tmp_path / "in.mkv")
    with pytest.raises(OptionError, match="fps is 24 and the input has 25; expected at least"):
        plan_file(path, tmp_path / "a.mp4", tiny(fps=24))
    with pytest.raises(OptionError, match="an array has no frame rate"):
        upscale_array(noise(8, 20, 20), tiny(fps=60))


@pytest.mark.parametrize(
    "options",
    [
        {"fps": 60},
        {"fps": 60, "exposure": "delta"},
        {"fps": 60, "exposure": 0.5},
        {"factor": 4, "exposure": 0.5},
        {"vfr": "cfr"},
    ],
)
def test_an_interrupted_run_goes_on_to_the_same_frames(quick, tmp_path, monkeypatch, options):
    monkeypatch.setattr(memory, "_PART", 4)
    path = uneven(tmp_path / "in.mkv", [40, 60] * 6)
    options = options | {"pyramid": PyramidSettings(coarsest=Fraction(1), voxels=32 * 24 * 4)}
    whole, cut = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    told = []
    upscale(path, whole, told, **options)
    chunks = rendered(told)

    def listener(event):
        heard.append(event)
        if rendered(heard) == 3:
            raise KeyboardInterrupt

    for _ in range(2):
        heard = []
        with pytest.raises(KeyboardInterrupt):
            upscale_file(path, cut, tiny(**options), listener)
    told = []
    upscale(path, cut, told, **options)
    assert 0 < rendered(told) < chunks
    assert timestamps(cut) == timestamps(whole)
    assert np.array_equal(*(decode(p, None, SIZE) for p in (cut, whole)))


def rendered(told):
    return sum(isinstance(event, Progress) and event.phase == "render" for event in told)


# --- slow motion ---


@pytest.mark.parametrize(
    "options", [{"factor": 3}, {"fps": 60}, {"factor": 3, "exposure": "delta"}]
)
def test_slow_motion_keeps_the_rate_and_drops_the_sound(quick, tmp_path, options):
    path, told = still(tmp_path / "in.mp4", sound=0.32), []
    done = upscale(path, tmp_path / "a.mp4", told, slow_motion=True, **options)
    assert Fraction(done.rate) == 25
    assert timestamps(tmp_path / "a.mp4") == [Fraction(i, 25) for i in range(done.frames)]
    assert "Audio" not in describe(tmp_path / "a.mp4")
    assert sum(
        "sound is left out of slow motion" in e.message for e in told if isinstance(e, Warned)
    )
    planned = plan_file(path, tmp_path / "b.mp4", tiny(slow_motion=True, **options))
    assert (planned.rate_in, planned.rate_out, planned.frames_out) == ("25", "25", done.frames)
    assert planned.duration == pytest.approx(done.frames / 25)


def test_slow_motion_stretches_every_interval_alike(quick, tmp_path):
    path = uneven(tmp_path / "in.mp4", GAPS)
    upscale(path, tmp_path / "a.mp4", slow_motion=True)
    given = [probe(path).timeline.moment(i) for i in range(9)]
    assert timestamps(tmp_path / "a.mp4") == [2 * moment for moment in between(given, 2)]


def tone(path, *options, offset=0.0, seconds=2.0):
    """Two seconds of video; a tone of 1000 Hz from 1 s on, its clock that of the sound."""
    late = f"sine=1000:d={seconds}:r=48000,volume='gte(t,1)':eval=frame"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=32x24:r=10"),
        *("-itsoffset", offset, "-f", "lavfi", "-i", late),
        *("-frames:v", 20, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
        *(options or ("-c:a", "aac")),
        path,
    )
    return path


def heard(path):
    """When the tone begins and ends, seconds, and its pitch, hertz."""
    samples = sound(path)
    loud = np.flatnonzero(np.abs(samples) > 0.02)
    begin, end = int(loud[0]), int(loud[-1])
    middle = samples[begin + 4000 : end - 4000]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    return begin / 48000, end / 48000, float(np.argmax(spectrum)) * 48000 / len(middle)


@pytest.mark.parametrize(
    ("name", "factor", "offset", "seconds"),
    [
        ("a.mp4", 2, 0, 2),
        ("a.mp4", 3, 0.3, 1.5),
        ("a.mkv", 3, 0, 3),
        ("a.webm", 2, 0, 1.5),
        ("a.avi", 2, 0.3, 2),
    ],
)
def test_slow_sound_stays_in_time_and_at_its_pitch(quick, tmp_path, factor, name, offset, seconds):
    path = tone(tmp_path / "in.mkv", offset=offset, seconds=seconds)
    before = heard(path)
    upscale(path, tmp_path / name, factor=factor, slow_motion=True, slow_audio=True)
    after = heard(tmp_path / name)
    shift = float(timestamps(tmp_path / name)[0])  # AVI delays the picture for what MP3 adds
    assert after[0] - shift == pytest.approx(before[0] * factor, abs=0.05 * factor)
    assert after[1] - shift == pytest.approx(before[1] * factor, abs=0.05 * factor)
    assert after[2] == pytest.approx(1000, abs=5)


def test_slow_sound_of_a_stretch(quick, tmp_path):
    path = tone(tmp_path / "in.mp4")
    options = {"slow_motion": True, "slow_audio": True, "start": 0.7, "end": 1.5}
    upscale(path, tmp_path / "a.mp4", **options)
    begin, end, pitch = heard(tmp_path / "a.mp4")
    assert (begin, end, pitch) == (
        pytest.approx(0.6, abs=0.06),
        pytest.approx(1.6, abs=0.06),
        pytest.approx(1000, abs=5),
    )


# --- sound beside it ---


@pytest.mark.parametrize(
    ("seconds", "options", "name"),
    [
        (0.2, {"factor": 3}, "a.mp4"),
        (0.32, {"fps": 60}, "a.mkv"),
        (1, {"factor": 3}, "a.mkv"),
        (1, {"fps": 60}, "a.mp4"),
    ],
)
def test_sound_of_any_length_is_copied(quick, tmp_path, seconds, options, name):
    path = still(tmp_path / "in.mp4", "-c:a", "aac", sound=seconds)
    upscale(path, tmp_path / name, **options)
    same_sound(path, tmp_path / name)


@pytest.mark.parametrize(
    ("source", "name", "lead", "options"),
    [
        ("in.mkv", "a.mp4", 0.25, {"factor": 2}),
        ("in.mp4", "a.mkv", 0.4, {"fps": 60}),
        ("in.mp4", "a.mov", 0.4, {"factor": 2}),
    ],
)
def test_a_picture_that_begins_later_still_does(quick, tmp_path, lead, source, name, options):
    path = uneven(tmp_path / source, [40] * 8, "-c:a", "aac", lead=lead, sound=0.8)
    assert float(timestamps(path)[0]) == pytest.approx(lead, abs=0.022)
    upscale(path, tmp_path / name, **options)
    assert float(timestamps(tmp_path / name)[0] - timestamps(path)[0]) == pytest.approx(
        0, abs=0.022
    )
    same_sound(path, tmp_path / name)
    ends = []
    for file in (path, tmp_path / name):
        loud = np.flatnonzero(np.abs(sound(file)) > 0.02)
        ends.append(loud[-1] / 48000 - float(timestamps(file)[0]))
    assert ends[0] == pytest.approx(ends[1], abs=0.002)


# --- GIFs and images ---


def gif(path, delays):
    """Noise, each frame shown for so many milliseconds."""
    iio.imwrite(path, noise(len(delays), 24, 32), duration=delays, loop=0)
    return path


DELAYS = [50, 50, 500, 50, 70, 1200]


def test_a_gif_keeps_its_delays(quick, tmp_path):
    path = gif(tmp_path / "in.gif", DELAYS)
    upscale(path, tmp_path / "a.mp4", factor=2)
    moments = [Fraction(n, 1000) for n in accumulate(DELAYS, initial=0)]
    assert timestamps(tmp_path / "a.mp4") == between(moments, 2)
    assert duration(tmp_path / "a.mp4") == pytest.approx(1.92, abs=0.011)
    upscale(path, tmp_path / "a.gif", factor=2)
    with iio.imopen(tmp_path / "a.gif", "r", plugin="pillow") as file:
        delays = [file.metadata(index=i)["duration"] for i, _ in enumerate(file.iter())]
    begins = list(accumulate(delays, initial=0))
    assert begins[::2] == [0, 50, 100, 600, 650, 720, 1920] or begins[-1] == 1920
    near(begins[:-1], [m * 1000 for m in between(moments, 2)], 5)


def test_a_gif_at_a_constant_rate(quick, tmp_path):
    path = gif(tmp_path / "in.gif", DELAYS)
    upscale(path, tmp_path / "a.mp4", fps=Fraction(24))
    assert timestamps(tmp_path / "a.mp4") == [Fraction(i, 24) for i in range(47)]


def test_a_slow_gif(quick, tmp_path):
    upscale(gif(tmp_path / "in.gif", [40] * 6), tmp_path / "a.gif", factor=4, slow_motion=True)
    assert timestamps(tmp_path / "a.gif") == [Fraction(4 * i, 100) for i in range(24)]


def test_a_folder_of_images_at_another_rate(quick, tmp_path):
    (tmp_path / "in").mkdir()
    for number, frame in enumerate(noise(6, 24, 32)):
        iio.imwrite(tmp_path / "in" / f"{number}.png", frame)
    upscale(tmp_path / "in", tmp_path / "a.mp4", fps=Fraction(50))
    assert timestamps(tmp_path / "a.mp4") == [Fraction(i, 50) for i in range(10)]
    done = upscale_file(tmp_path / "in", f"{tmp_path / 'out'}/", tiny(fps=Fraction(50)))
    assert len(list((tmp_path / "out").iterdir())) == done.frames == 10


# --- the command line ---


def test_a_dry_run_tells_the_new_rate(tmp_path):
    path = still(tmp_path / "in.mp4")
    flags = ["--device", "cpu", "--dry-run", "--fps", "59.94"]
    call = ["upscale", str(path), "-o", str(tmp_path / "a.mp4"), *flags]
    lines = CliRunner().invoke(cli, [*call, "--json"]).stdout.splitlines()
    warned, told = map(json.loads, lines)
    assert (warned["event"], told["event"]) == ("Warned", "Planned")
    assert "not fully tagged" in warned["message"]
    assert (told["rate_out"], told["frames_out"]) == ("60000/1001", 20)
    assert "25 -> 59.94 frames a second" in CliRunner().invoke(cli, call).stdout
    assert CliRunner().invoke(cli, [*call, "--factor", "2"]).exit_code == 2


# --- everything at once ---


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    gaps=st.lists(st.integers(10, 90), min_size=10, max_size=12),
    even=st.booleans(),
    factor=st.integers(2, 5),
    fps=st.none() | st.sampled_from([Fraction(120), Fraction(120_000, 1001), Fraction(999, 7)]),
    slow=st.booleans(),
    vfr=st.sampled_from(["keep", "cfr"]),
    exposure=st.sampled_from(["full", "delta", 0.5, 0.25]),
)
def test_the_output_lasts_as_long_as_the_input(
    quick, tmp_path_factory, gaps, even, factor, fps, slow, vfr, exposure
):
    folder = tmp_path_factory.mktemp("any")
    path = uneven(folder / "in.mkv", gaps[:1] * len(gaps) if even else gaps, "-c:v", "ffv1")
    out = folder / "a.mp4"
    options = {"vfr": vfr, "slow_motion": slow, "exposure": exposure, "factor": factor, "fps": fps}
    done = upscale(path, out, **options)
    info = probe(path)
    times = (factor if fps is None else fps / info.rate) if slow else 1
    frame = 1 / Fraction(done.rate)
    assert abs(duration(out) - info.duration * times) < frame + 0.011
    if fps is None:
        assert done.frames == info.frames * factor
    moments = timestamps(out)
    assert all(a < b for a, b in pairwise(moments))
    if fps or vfr == "cfr":
        near(moments, [i * frame for i in range(done.frames)], MS / 100)
    else:
        given = [(info.timeline.moment(i) - info.start) * times for i in range(info.frames + 1)]
        near(moments, between(given, factor), MS / 100)
