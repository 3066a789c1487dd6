"""MyStyle: a personalised generative prior (Nitzan et al., 2022), as a library."""

__version__ = "0.1.0"
