"""The networks: StyleGAN2 and its plain oracle, the W encoder, feature networks."""
