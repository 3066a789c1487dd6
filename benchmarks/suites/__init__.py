"""Suites, one file each with a module-level ``SUITE`` (``benchmarks.protocol.Suite``), named like the file."""
