"""StyleGAN2's projector with a code of its own for every layer, as PTI compares with: 2,100 steps at up to 0.01."""

from dataclasses import replace

from baselines.sg2 import PROJECTOR, projector
from mystyle.descent import Ramps

METHOD = projector("sg2_wplus", "SG2 W+", replace(PROJECTOR, space="w+", steps=2100, schedule=Ramps(0.01)))
"""The number of steps is of PTI's text; the rate is of its code, where the text has none."""
