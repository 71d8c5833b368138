"""What a voice learns from."""
