"""From a command line to records: requests, plans, workers, executors, records, tracking."""
