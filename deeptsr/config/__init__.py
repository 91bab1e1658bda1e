"""Every setting of a run: meaning, unit, range, default; and the presets.

The command line takes its defaults from here. A function of the library receives the section that
it needs, never the whole.
"""

from deeptsr.config.kinds import fraction_of
from deeptsr.config.options import PRESETS, Options, changed, given, preset, values
from deeptsr.config.resolved import Resolved, Settings
from deeptsr.config.sections import (
    NETWORKS,
    OPTIMIZERS,
    RATES,
    EncodeSettings,
    FitSettings,
    NetworkSettings,
    PairSettings,
    PretrainSettings,
    PyramidSettings,
    RecurrenceSettings,
)

__all__ = [
    "NETWORKS",
    "OPTIMIZERS",
    "PRESETS",
    "RATES",
    "EncodeSettings",
    "FitSettings",
    "NetworkSettings",
    "Options",
    "PairSettings",
    "PretrainSettings",
    "PyramidSettings",
    "RecurrenceSettings",
    "Resolved",
    "Settings",
    "changed",
    "fraction_of",
    "given",
    "preset",
    "values",
]
