"""Scripted conversations in writing, and the rules their replies are checked by."""
