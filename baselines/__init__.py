"""The baselines and floors of the benchmark: one file per method, each with its ``METHOD``. Cards in README.md."""
