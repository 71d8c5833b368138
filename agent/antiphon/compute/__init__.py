"""Devices, threads and graphs that models compute with."""
