"""From records to statements: statistics, comparisons, estimates of time."""
