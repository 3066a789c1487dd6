"""GPEN + FT of MyStyle's Table 3: the domain's restoration network fine-tuned on the person's photos."""

from baselines.common.conditional import FineTuned
from baselines.gpen import METHOD as GPEN

METHOD = FineTuned("gpen_ft", "GPEN + FT", GPEN)
