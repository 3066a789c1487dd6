"""How fast the networks, the method and the metric of large sets are: ``python -m benchmarks.speed``."""
