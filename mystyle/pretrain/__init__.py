"""How a domain's networks are trained: ``python -m mystyle.pretrain features|perceptual|generator|encoder``."""
