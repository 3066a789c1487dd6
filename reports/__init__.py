"""Tables, figures and pages from the files of a run. Reads records only: no torch, no network, no model."""
