import subprocess
import sys

_MADE = """
import sys, torch
from deeptsr.networks import Classifier

known = Classifier().state_dict()
made = Classifier.of(known, torch.device("cpu"))
assert all(torch.equal(part, known[name]) for name, part in made.state_dict().items())
print("sympy" in sys.modules)
"""


def test_making_one_of_its_weights_loads_no_computer_algebra():
    """Torch would for memory of a shape alone, and every run would wait for that."""
    told = subprocess.run([sys.executable, "-c", _MADE], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
