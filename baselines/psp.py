"""pSp (Richardson et al., "Encoding in Style: a StyleGAN Encoder for Image-to-Image Translation", 2021), to invert.

One pass of an encoder gives a code for each layer, free of the others. On the domain ``ffhq`` it is the official
network; elsewhere ``psp.safetensors``, small heads on the trunk of the domain's W encoder
(``mystyle.networks.style_encoder``), which ``python -m mystyle.pretrain psp`` trains. The paper's other tasks need
encoders of their own.
"""

from baselines.common.style_encoder import encoder_method

METHOD = encoder_method("psp", "pSp")
