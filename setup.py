"""Finds the packages of both source roots, and the committed weights as `antiphon.assets`."""

from setuptools import find_packages, setup

setup(packages=[*find_packages("agent"), *find_packages("codecs"), "antiphon.assets"])
