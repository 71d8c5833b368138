"""Qwen3-ASR (arXiv 2601.21337) in transformers' own classes, with what they lack."""
