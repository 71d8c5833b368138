"""OpenAI's npm packages; and the messages that a benchmark damages are damaged here, too."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

SCRIPTS = Path(__file__).parent / "node"

sys.path.append(str(Path(__file__).parents[4] / "benchmarks"))


@pytest.fixture(scope="session")
def packages():
    """The scripts beside the packages they use, which are installed once."""
    if shutil.which("npm") is None:
        pytest.skip("there is no npm")
    wanted = hashlib.sha256((SCRIPTS / "package.json").read_bytes()).hexdigest()[:12]
    folder = Path(sys.prefix) / "node" / wanted
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        for script in SCRIPTS.iterdir():
            if script.is_file():
                shutil.copy(script, folder)
        if not (folder / "installed").exists():
            install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
            subprocess.run(install, cwd=folder, check=True, capture_output=True)
            (folder / "installed").touch()
    return folder
