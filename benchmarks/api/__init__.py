"""What methods, tasks, metrics and suites are to the benchmark. No torch at import."""
