"""What is installed is `ncl` alone: the folders `verify` and `properties` are its `ncl.verify` and `ncl.properties`.

All the rest stands in pyproject.toml, which cannot say that the packages in a folder go by another name. In a checkout
the links `ncl/verify` and `ncl/properties` say the same; a build needs them not, since archives may lose links.
"""

from setuptools import find_packages, setup

APART = ("verify", "properties")

packages = find_packages(include=["ncl", "ncl.*"], exclude=[f"ncl.{p}{rest}" for p in APART for rest in ("", ".*")])
for package in APART:
    packages += [f"ncl.{package}", *(f"ncl.{package}.{inner}" for inner in find_packages(package))]

setup(packages=packages, package_dir={f"ncl.{package}": package for package in APART})
