"""What ears learn from."""
