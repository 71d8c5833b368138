"""One training job a module. Knows the corpora."""
