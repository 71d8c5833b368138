"""What makes a voice."""
