"""CoModGAN + FT of MyStyle's Table 2: the domain's inpainting network trained on on the person's photos."""

from baselines.comodgan import METHOD as COMODGAN
from baselines.conditional import FineTuned

METHOD = FineTuned("comodgan_ft", "CoModGAN + FT", COMODGAN)
