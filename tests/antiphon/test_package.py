"""What is installed is what is here."""

from __future__ import annotations

import sys
from pathlib import Path

import antiphon

ROOT = Path(__file__).parents[2]

if sys.version_info < (3, 11):
    import tomli as tomllib
else:
    import tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_folder_of_modules_is_a_package():
    folders = {
        file.parent for root in (ROOT / "agent", ROOT / "codecs") for file in root.rglob("*/*.py")
    }
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").exists()]


def test_every_kind_of_data_is_installed():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["antiphon"]
    kinds = {Path(pattern).suffix for pattern in patterns}
    package = ROOT / "agent" / "antiphon"
    found = {file.suffix for file in package.rglob("*") if file.is_file()}
    assert found - kinds <= {".py", ".pyc"}


def test_the_version_is_one():
    assert PROJECT["project"]["version"] == antiphon.__version__
