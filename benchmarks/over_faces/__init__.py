"""Clients of the faces of `antiphon serve`, for `benchmarks/faces.py`."""
