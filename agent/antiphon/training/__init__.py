"""Corpora and the training jobs, resumable."""
