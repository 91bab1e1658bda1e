"""deeptsr's command line with presets of a few optimiser steps, for the tests of batches."""

from cli.main import main
from deeptsr import config
from tests.helpers.synth import tiny

if __name__ == "__main__":
    config.PRESETS["fast"] = tiny()
    main()
