"""Microphones and speakers: devices, buffers, resampling. Knows clock, frames and events."""
