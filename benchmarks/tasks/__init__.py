"""Tasks, one file each with a module-level ``TASK`` (``benchmarks.api.task.Task``), named like the file."""
