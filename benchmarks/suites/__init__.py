"""Suites, one file each with a module-level ``SUITE`` (``benchmarks.api.protocol.Suite``), named like the file."""
