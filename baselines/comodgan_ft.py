"""CoModGAN + FT of MyStyle's Table 2: the domain's inpainting network fine-tuned on the person's photos."""

from baselines.common.conditional import FineTuned
from baselines.comodgan import METHOD as COMODGAN

METHOD = FineTuned("comodgan_ft", "CoModGAN + FT", COMODGAN)
