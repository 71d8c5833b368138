"""Leaves out the modules that a robot has no use for."""

from setuptools import setup
from setuptools.command.build_py import build_py

KEPT = {
    "antiphon": {
        "__init__",
        "__main__",
        "audio_file",
        "errors",
        "media_decoder",
        "mel",
        "messages",
        "onnx_session",
        "registry",
        "settings",
        "silero",
    },
    "antiphon.cli": {"__init__", "logs", "main", "options", "output"},
    "antiphon.cli.commands": {"__init__", "devices", "robot"},
    "antiphon.tools": {"__init__", "call", "tool"},
    "antiphon.transports": {"__init__", "lifecycle"},
}
"""Modules to keep; all of a package that is not named."""


class Build(build_py):
    """Builds what is kept."""

    def find_package_modules(self, package, package_dir):
        """Modules of a package as (package, name, file)."""
        found = super().find_package_modules(package, package_dir)
        return [each for each in found if each[1] in KEPT.get(package, {each[1]})]


setup(cmdclass={"build_py": Build})
