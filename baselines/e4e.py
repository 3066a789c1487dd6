"""e4e (Tov et al., "Designing an Encoder for StyleGAN Image Manipulation", 2021).

pSp's network, whose codes are w and small offsets w + Delta_i, and whose training keeps all of them near W, so that the
edits of W do to them what they do to its own codes. On the domain ``ffhq`` it is the official network; elsewhere
``e4e.safetensors``, which ``python -m mystyle.pretrain e4e`` trains.
"""

from baselines.common.style_encoder import encoder_method

METHOD = encoder_method("e4e", "e4e")
