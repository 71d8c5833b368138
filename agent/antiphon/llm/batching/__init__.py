"""One forward pass of a transformers model for the steps of several conversations."""
