"""The streaming filter that enlarges climbed frames."""

import weakref

import pytest
import torch

from deeptsr.imaging.exposure import expose
from deeptsr.imaging.lens import agree, enlarge, shrink
from deeptsr.imaging.resample import interpolate_time, resize
from deeptsr.pyramid import enlarge as module
from deeptsr.pyramid.enlarge import VIEWS, SpaceStep, doublings, enlarged, first_read
from tests.helpers.synth import gap, noise
from tests.networks.test_space import network

SIZES = [(18, 22), (14, 17), (30, 35)]


def mild(frames, channels=3, seed=0):
    """Noise of so little contrast that nothing is cut off."""
    return 0.49 + 0.02 * noise(frames, 9, 11, channels, seed=seed)


def made_of(climbed, video, factor=1, start=0, cuts=(), size=SIZES[0], **changes):
    step = SpaceStep(size, **{"network": network(blocks=1), **changes})
    first = first_read(step, video.shape[1:3], start, cuts)
    volumes = iter(climbed[start * factor :].split(3 * factor))
    exposure = changes.pop("exposure", "full")
    frames = enlarged(
        step, volumes, iter(video[first:]), len(video), factor, exposure=exposure, start=start,
        cuts=cuts,
    )  # fmt: skip
    return torch.cat(list(frames))


@pytest.mark.parametrize("size", SIZES)
def test_the_camera_sees_the_climbed_frames_again(size):
    climbed = mild(12)
    video = expose(climbed, 2)
    made = made_of(climbed, video, 2, size=size)
    assert made.shape == (12, *size, 3)
    assert gap(shrink(made, (9, 11)), climbed) < 1e-5


@pytest.mark.parametrize("factor", [2, 3])
def test_it_exposes_to_the_enlarged_video(factor):
    climbed = mild(4 * factor)
    video = expose(climbed, factor)
    assert gap(expose(made_of(climbed, video, factor), factor), made_of(video, video)) < 1e-5


def test_detail_is_carried_as_time_passes():
    climbed = mild(8)
    video = expose(climbed, 2)
    step = SpaceStep(SIZES[0])
    details = made_of(video, video) - step.plain(video)
    assert details.abs().max() > 1e-3
    carried = interpolate_time(details, 2)
    carried += (details - expose(carried, 2)).repeat_interleave(2, 0)
    assert gap(made_of(climbed, video, 2), step.plain(climbed) + carried) < 1e-5


@pytest.mark.parametrize("cuts", [(), (4,), (6, 7)])
@pytest.mark.parametrize("start", [1, 4, 6])
def test_results_do_not_depend_on_where_they_begin(start, cuts, monkeypatch):
    monkeypatch.setattr(module, "slab_of", lambda size: 3)
    climbed = mild(22)
    video = expose(climbed, 2)
    whole = made_of(climbed, video, 2, cuts=cuts)
    assert torch.equal(made_of(climbed, video, 2, start, cuts), whole[2 * start :])


def test_nothing_crosses_a_cut():
    climbed, other = mild(12), mild(12, seed=1)
    joined = torch.cat([climbed, other])
    made = made_of(joined, expose(joined, 2), 2, cuts=(6,))
    assert gap(made[:12], made_of(climbed, expose(climbed, 2), 2)) < 1e-6
    assert gap(made[12:], made_of(other, expose(other, 2), 2)) < 1e-6


def test_results_do_not_depend_on_tiles_and_slabs(monkeypatch):
    video = 0.49 + 0.02 * noise(7, 19, 23, 3)
    whole = made_of(video, video, size=(38, 46))
    monkeypatch.setattr(module, "slab_of", lambda size: 2)
    monkeypatch.setattr(module, "tile_of", lambda network, frames: 8)
    assert gap(made_of(video, video, size=(38, 46)), whole) < 1e-5


def test_a_double_size_against_the_network_itself():
    video = mild(7)
    net = network(blocks=1)
    frames, edge = net.reach
    long = torch.cat(
        [video[:1].expand(frames, -1, -1, -1), video, video[-1:].expand(frames, -1, -1, -1)]
    )
    planes = torch.nn.functional.pad(
        long.movedim(3, 0)[None], [edge] * 4 + [0, 0], mode="replicate"
    )
    with torch.no_grad():
        change = net(planes)[0].movedim(0, 3)
    expected = agree(enlarge(video, (18, 22)) + change, video)
    assert gap(made_of(video, video), expected) < 1e-5


@pytest.mark.parametrize("views", range(1, VIEWS + 1))
def test_more_views_are_the_mean_of_what_each_finds(views):
    """A view turns the frames round, and what is found is turned back."""
    video, net = mild(7), network(blocks=1)

    def turned(clip, axes, turn):
        return (clip.transpose(1, 2) if turn else clip).flip(axes)

    def back(clip, axes, turn):
        return clip.flip(axes).transpose(1, 2) if turn else clip.flip(axes)

    ways = [((), False), ((0, 2), False), ((1,), False), ((0, 1, 2), True)][:views]
    plain = SpaceStep(SIZES[0]).plain(video)
    found = []
    for way in ways:
        seen = turned(video, *way)
        size = (2 * seen.shape[1], 2 * seen.shape[2])
        found.append(back(made_of(seen, seen, size=size, network=net), *way) - plain)
    made = made_of(video, video, network=net, views=views)
    assert gap(made, plain + torch.stack(found).mean(0)) < 1e-5
    assert views == 1 or gap(found[-1], found[0]) > 1e-3


def test_a_share_of_the_detail_and_none_of_it():
    video = mild(5)
    plain, whole = SpaceStep(SIZES[0]).plain(video), made_of(video, video)
    assert gap(made_of(video, video, share=0.25), torch.lerp(plain, whole, 0.25)) < 1e-5
    assert gap(made_of(video, video, network=None), plain) < 1e-6


def test_alpha_is_a_picture_of_its_own():
    video = mild(5, 4)
    made = made_of(video, video)
    assert gap(made[..., :3], made_of(video[..., :3], video[..., :3])) < 1e-6
    cover = video[..., 3:].expand(-1, -1, -1, 3)
    assert gap(made[..., 3], made_of(cover, cover).mean(3)) < 1e-5


def test_a_flat_video_stays_as_it_is():
    video = torch.full((5, 9, 11, 3), 0.4)
    assert gap(made_of(video, video), torch.full((5, 18, 22, 3), 0.4)) < 1e-5


def test_as_many_doublings_as_a_size_takes():
    sizes = {(9, 11): 1, (14, 17): 1, (18, 22): 1, (18, 23): 2, (36, 44): 2, (90, 110): 2}
    assert {size: doublings((9, 11), size) for size in sizes} == sizes
    assert doublings((480, 854), (962, 1708)) == 1  # what rounding adds is no reason


def test_one_large_frame_at_a_time():
    video = mild(5)
    step = SpaceStep(SIZES[0], network=network(blocks=1))
    assert [len(v) for v in enlarged(step, [video], iter(video), 5)] == [1] * 5


def test_a_volume_is_gone_before_the_next_one_is_climbed():
    alive = []

    def climbing():
        for _ in range(3):
            assert not [ref for ref in alive if ref() is not None]
            volume = mild(2)
            alive.append(weakref.ref(volume))
            yield volume
            del volume

    for net in (None, network(blocks=1)):
        alive.clear()
        step = SpaceStep(SIZES[0], network=net)
        assert sum(len(v) for v in enlarged(step, climbing(), iter(mild(6)), 6)) == 6


def test_what_is_kept_in_levels_is_rounded_frame_by_frame():
    video = mild(3)
    frames = enlarged(SpaceStep(SIZES[0], levels=7), [video], iter(video), 3)
    assert all(gap(7 * frame, (7 * frame).round()) < 1e-5 for frame in frames)


@pytest.mark.parametrize("size", [(27, 33), (24, 30), (33, 40), (45, 55)])
def test_a_size_between_comes_as_near_as_the_whole_one_resized(size):
    """What lies between doublings is made from the next one, and is as good."""
    truth = (0.4 + 0.2 * noise(7, *size, 3)).lerp(
        enlarge(0.3 + 0.4 * noise(7, 9, 11, 3), size), 0.5
    )
    video = shrink(truth, (18, 22))
    doubled = 4 if size[0] > 36 else 2
    whole = made_of(video, video, size=(18 * doubled, 22 * doubled), share=0.05)
    between = made_of(video, video, size=size, share=0.05)
    errors = [float((made - truth).square().mean()) for made in (resize(whole, size), between)]
    assert errors[1] < errors[0] * 10 ** (0.15 / 10)
    assert errors[1] < 1.1 * float((enlarge(video, size) - truth).square().mean())


@pytest.mark.parametrize("agreement", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("levels", [None, 255])
def test_what_is_believed_in_part_is_seen_in_part(agreement, levels):
    """Between bicubic interpolation, and frames that the camera sees as they are."""
    video = mild(4)
    made = made_of(video, video, agreement=agreement, levels=levels)
    usual = shrink(enlarge(video, SIZES[0]), (9, 11))
    wanted = (1 - agreement) * usual + agreement * video
    assert gap(shrink(made, (9, 11)), wanted) < (3e-3 if levels else 1e-5)
    assert gap(usual, video) > 5e-3
