"""Lips that are seen while somebody speaks: found in clips, and given to what reads them."""
