"""Mouths that speak what a synthesizer says, drawn from the exact times of its sounds."""
