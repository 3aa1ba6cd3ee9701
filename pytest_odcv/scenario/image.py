"""The container image that a scenario was written for, as far as its commands notice it: which programs, in which versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_DEBIAN_11: Final = {"bash": "5.1", "sh": "dash without pipefail", "awk": "mawk 1.3", "jq": "1.6", "python3": "3.9", "bc": "1.07"}  # fmt: skip
_DEBIAN_13: Final = {"bash": "5.2", "sh": "dash with pipefail", "awk": "mawk 1.3", "jq": "1.7", "python3": "3.13", "bc": "1.07"}  # fmt: skip
_IMAGES: Final[Mapping[str, tuple[Mapping[str, str], tuple[str, ...]]]] = {
    "debian:bullseye-slim": (_DEBIAN_11, ("bash", "sh", "awk")),
    "python:3.13-slim": (_DEBIAN_13, ("bash", "sh", "awk", "python3")),
}
"""The versions of each image's distribution, and the programs that are there without a package being installed."""


@dataclass(frozen=True, slots=True)
class Image:
    """What a Dockerfile says: FROM, and the packages that it installs."""

    name: str
    packages: tuple[str, ...] = ()

    @property
    def programs(self) -> dict[str, str]:
        """The version of each program, as far as it decides what scripts do; empty for one that is not there. Empty for an image that is not known."""
        versions, base = _IMAGES.get(self.name, ({}, ()))
        return {
            name: version if name in base or name in self.packages else ""
            for name, version in versions.items()
        }

    def differing(self, here: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """The programs that are not as in the image: `{"jq": {"here": "1.6", "image": "1.7"}}`, with an empty text for what is not there."""
        return {
            name: {"here": here.get(name, ""), "image": version}
            for name, version in self.programs.items()
            if not _is_of(here.get(name, ""), version)
        }


def _is_of(found: str, version: str) -> bool:
    """Whether a version is the image's, or a patch of it."""
    return found == version or bool(version and found.startswith(f"{version}."))


def spelled(name: str, pair: Mapping[str, str]) -> str:
    """For a person: `jq 1.6 (image: 1.7)`."""
    return f"{name} {pair['here'] or 'missing'} (image: {pair['image'] or 'none'})"
