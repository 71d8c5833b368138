"""Qwen3-ASR, and the forced aligner that starts from it."""
