"""Trains MoME, and what it is compared with."""
