"""Metrics, one file each with a module-level ``METRIC`` (``benchmarks.api.metric.Metric``), named like the file."""
