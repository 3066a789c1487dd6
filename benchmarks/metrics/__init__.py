"""Metrics, one file each with a module-level ``METRIC`` (``benchmarks.api.protocol.Metric``), named like the file."""
