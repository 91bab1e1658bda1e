"""From the values of flags to `Options`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deeptsr.config import NETWORKS, Options, preset
from deeptsr.errors import OptionError

__all__ = ["DEFAULTS", "MOST", "chosen_options", "options_of"]

DEFAULTS = Options()
MOST = "quality"  # where the time decides how much work there is


def chosen_options(name: str | None, flags: dict[str, Any]) -> Options:
    """Build the options that the flags ask for.

    Args:
        name: of the preset; None: what suits the device.
        flags: the value of every flag that is a setting.

    Raises:
        OptionError: when a value is out of range, or the device is not there.
    """
    if name is None:
        # A mistake in another flag is told at once, not after the seconds that torch takes to load.
        options_of(DEFAULTS.preset, flags)
        if flags["time_budget"] is not None:
            return options_of(MOST, flags)

        if flags["fit_file"] is not None:
            from deeptsr.learning.saved_fit import SavedFit  # noqa: PLC0415

            fitted = SavedFit.load(flags["fit_file"]).options
            network = flags["network"] or fitted.network.kind
            return options_of(fitted.preset, flags | {"network": network})

        from deeptsr.system.devices import choose, default_preset  # noqa: PLC0415

        name = default_preset(choose(flags["device"]))
    return options_of(name, flags)


def options_of(name: str, flags: dict[str, Any]) -> Options:
    """Change a preset as flags ask for; ``flags`` has the value of every flag that is a setting.

    Raises:
        OptionError: when a value is out of range.
    """
    base = preset(name)
    rest = dict(flags)
    network = rest.pop("network", None)
    if network not in (None, base.network.kind):
        rest["network"] = NETWORKS[network]
    pairs = {key: rest.pop(key) for key in ("within", "across", "shift")}
    encode = {key: rest.pop(key) for key in ("codec", "crf", "pix_fmt", "overwrite")}
    given = {key: value for key, value in pairs.items() if value is not None}
    chosen = rest.pop("mix", None)
    if given and chosen is not None:
        raise OptionError(
            "--mix excludes --within, --across and --shift; expected --mix alone, or those."
        )
    if chosen not in (None, "auto"):
        given = dict(zip(pairs, chosen, strict=True))
    if given or chosen is not None:
        given["auto"] = chosen == "auto"
    return preset(
        name, pairs=replace(base.pairs, **given), encode=replace(base.encode, **encode), **rest
    )
