"""Sandboxes in containers: the battery of attacks, and what is different from bubblewrap."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_odcv.sandbox.container import ContainerProvider
from tests.sandbox import image
from tests.sandbox.attacks import ATTACKS
from tests.sandbox.attacks.kit import Attack
from tests.sandbox.box import Box
from tests.sandbox.conftest import python_of
from tests.sandbox.host import Host
from tests.sandbox.test_attacks import attempted

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for containers of root's podman"),
]


@pytest.fixture(scope="module")
def provider() -> ContainerProvider:
    if problem := image.problem():
        pytest.skip(f"needs a container engine: {problem}")
    found = ContainerProvider([image.name()])
    assert found.missing() is None
    return found


@pytest.fixture(scope="module")
def container(provider: ContainerProvider, host: Host) -> Iterator[Box]:
    """A process that opens containers."""
    box = Box(python_of(None), {"ODCV_TEST_SECRET": host.secret, "ODCV_TEST_IMAGE": image.name()})
    yield box
    box.quit()


@pytest.mark.parametrize("as_root", [False, True], ids=["agent", "user 0"])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_contained(
    attack: Attack, container: Box, host: Host, folders: tuple[Path, Path], as_root: bool
) -> None:
    attempted(attack, container, host, folders, as_root, clock=False)
