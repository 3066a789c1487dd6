"""The benchmark: suites, metrics, the runner and its records. See design.md, sections 3 to 6, for the contracts."""
