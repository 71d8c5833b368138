"""Drax: its batches, losses, job and the ablation of its path."""
