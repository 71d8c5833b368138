"""Conversations recorded and replayed."""
