"""What a robot installs: small, complete, and of the same version."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

import antiphon

ROOT = Path(__file__).parents[5]
IMPORT_ALL = """
import importlib, pkgutil, sys
import antiphon
for found in pkgutil.walk_packages(antiphon.__path__, "antiphon."):
    importlib.import_module(found.name)
# An editable installation of the whole project would fill in what the wheel lacks.
own = [m.__file__ for name, m in sys.modules.items() if name.startswith("antiphon") and m.__file__]
assert not (strange := [file for file in own if not file.startswith(sys.argv[1])]), strange
heavy = {"torch", "transformers", "onnxruntime", "tokenizers", "huggingface_hub"}
print(*sorted(heavy & set(sys.modules)))
from antiphon.transports.mqtt.wire import messages
messages.schema("hello")
"""


@pytest.mark.skipif(find_spec("setuptools") is None, reason="needs setuptools: pip install it")
def test_the_robots_wheel_holds_all_it_needs_and_no_more(tmp_path):
    for left in ("build", "antiphon_robot.egg-info"):
        shutil.rmtree(ROOT / "packaging" / "robot" / left, ignore_errors=True)
    build = ("-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(tmp_path))
    subprocess.run([sys.executable, *build, str(ROOT / "packaging" / "robot")], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stat().st_size < 1_000_000
    assert f"-{antiphon.__version__}-" in wheel.name
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    script = tmp_path / "import_all.py"
    script.write_text(f"import sys\nsys.path.insert(0, {str(installed)!r})\n{IMPORT_ALL}")
    done = subprocess.run(
        [sys.executable, str(script), str(installed)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
