"""Latent codes: anchors, the personalised subspace and its hull, codes in files."""
