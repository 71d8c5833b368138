"""The messages that a benchmark damages by the hundred thousand are damaged here, too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[4] / "benchmarks"))
