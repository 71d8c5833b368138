"""Antiphon answers speech with speech, thinking while it speaks."""

import os

__version__ = "0.1.0"

# OpenMP's threads spin while they wait for each other: for milliseconds, unless told otherwise. A
# thread that spins holds the core that another one needs to get done; on a machine with other work
# every parallel operation then takes a turn of the scheduler. OpenMP reads this once, when PyTorch
# is imported. The first is GNU's (Linux), in turns of the loop; the second LLVM's and Intel's, in
# milliseconds.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "2500")
    os.environ.setdefault("KMP_BLOCKTIME", "0")
