"""Training jobs, one per module. Imports the corpora."""
