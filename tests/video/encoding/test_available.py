"""Which encoders are there."""

import av

from deeptsr.video.encoding import available
from deeptsr.video.encoding.available import encoders


def test_what_outputs_take_is_named():
    found = encoders()
    assert {"libx264", "libx265", "libvpx-vp9", "ffv1", "gif", "prores_ks", "aac"} <= set(found)
    for name, there in found.items():
        assert there == (name in av.codecs_available)


def test_one_that_is_missing(monkeypatch):
    def refuse(name, mode):
        raise av.codec.codec.UnknownCodecError(name)

    monkeypatch.setattr(available.av, "Codec", refuse)
    assert not any(encoders().values())
