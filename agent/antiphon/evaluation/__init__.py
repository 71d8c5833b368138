"""Evaluation: judges, and the measures of what the README claims. One file a measure."""
