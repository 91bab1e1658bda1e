"""Who hears of progress."""

from deeptsr.events import Progress, Warned
from deeptsr.jobs.resources.progress import from_share, without_progress

TOLD = (Progress(0.1, "fit", "a"), Warned("w"), Progress(0.7, "render", "b"))


def heard(wrap, told=TOLD):
    seen = []
    listen = wrap(seen.append)
    for event in told:
        listen(event)
    return seen


def test_the_bar_begins_where_it_ended():
    seen = heard(lambda listener: from_share(0.4, listener))
    assert seen == [Progress(0.4, "fit", "a"), *TOLD[1:]]


def test_the_bar_never_runs_backwards():
    told = [Progress(share, "fit", "a") for share in (0.1, 0.6, 0.3, 0.6, 0.8)]
    seen = heard(lambda listener: from_share(0.0, listener), told)
    assert [event.fraction for event in seen] == [0.1, 0.6, 0.6, 0.6, 0.8]


def test_all_but_progress_passes():
    assert heard(without_progress) == [TOLD[1]]
