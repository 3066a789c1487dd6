"""Metrics, one file each with a module-level ``METRIC`` (``benchmarks.protocol.Metric``), named like the file."""
