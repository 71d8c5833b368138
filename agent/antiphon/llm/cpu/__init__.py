"""Llamas and Qwens in few bits, for a CPU."""
