"""Suites, one file each with a module-level ``SUITE`` (``benchmarks.api.suite.Suite``), named like the file."""
