"""Sandboxes in containers: the battery of attacks, and what is different from bubblewrap."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_odcv.errors import SandboxError
from pytest_odcv.sandbox import clock, engine
from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from pytest_odcv.sandbox.container import ContainerProvider, swept
from pytest_odcv.sandbox.protocol import SandboxProvider, SandboxSpec
from tests.sandbox import image
from tests.sandbox.attacks import ATTACKS
from tests.sandbox.attacks.kit import Attack, Scene
from tests.sandbox.attacks.reading import SAFE_DEVICES
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
    if problem := found.missing():
        pytest.skip(f"needs a container engine that works: {problem}")
    return found


@pytest.fixture(scope="module")
def container(provider: ContainerProvider, host: Host) -> Iterator[Box]:
    """A process that opens containers."""
    box = Box(python_of(None), {"ODCV_TEST_SECRET": host.secret, "ODCV_TEST_IMAGE": image.name()})
    yield box
    box.quit()


def _of_containers(attack: Attack) -> Attack:
    """The attack, with what is different in a container and harmless."""
    return replace(attack, contained=_DIFFERENT.get(attack.name, attack.contained))


def _devices(scene: Scene) -> None:
    assert set(scene.result.stdout.split()) <= SAFE_DEVICES | {"mqueue"}, scene.result


def _only_masked(scene: Scene) -> None:
    """The engine hides some files of /proc behind /dev/null, which anybody may write to."""
    found = set(scene.result.stdout.split())
    assert found <= {f"/proc/{name}" for name in ("kcore", "keys", "timer_list", "sched_debug")}, scene.result


def _killed(scene: Scene) -> None:
    """libseccomp's filter ends a process that makes such a call, where ours refuses it."""
    assert scene.result.exit_code == 128 + signal.SIGSYS, scene.result


_DIFFERENT: dict[str, Callable[[Scene], None]] = {
    "device nodes": _devices,
    "anything in /proc that can be written to": _only_masked,
    "system calls of another architecture": _killed,
}


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path]]:
    """A workspace and tools."""
    with tempfile.TemporaryDirectory(prefix="odcv-scenario-") as name:
        root = Path(name)
        workspace, tools = root / "workspace", root / "tools"
        for folder in (workspace, tools):
            folder.mkdir()
        (workspace / "data.csv").write_text("a,b\n")
        (tools / "check").write_text('#!/bin/sh\necho checked "$@"\n')
        (tools / "check").chmod(0o755)
        yield workspace, tools


@pytest.mark.parametrize("as_root", [False, True], ids=["agent", "user 0"])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_contained(
    attack: Attack, container: Box, host: Host, folders: tuple[Path, Path], as_root: bool
) -> None:
    attempted(_of_containers(attack), container, host, folders, as_root, clock=False)


def test_everything_on_the_way_is_as_in_bubblewrap(provider: ContainerProvider) -> None:
    async def seen(opens: SandboxProvider) -> list[object]:
        box = await opens.open(SandboxSpec({}, channels=("client",)))
        try:
            results = [
                await box.run(command)
                for command in (
                    "id -u; pwd; echo $HOME $PATH",
                    "export A=1; cd /tmp; echo made > /app/f",
                    "echo $A; pwd; echo kept >&2; false",
                    "echo Dear client > /outbox/client",
                    "exit 3",
                )
            ]
            late = await box.run("sleep 20", 0.3)
            tree = await box.snapshot()
            moments = box.moments() or ()
            sent = [moment.sent.text for moment in moments if moment.sent]
            return [*results, late.timed_out, late.restarted, list(tree), sent]
        finally:
            await box.close()

    assert asyncio.run(seen(provider)) == asyncio.run(seen(BubblewrapProvider()))


def test_a_container_has_a_clock_and_user_0_is_nobody_here(provider: ContainerProvider) -> None:
    if clock.missing():
        pytest.skip(str(clock.missing()))

    async def said() -> str:
        box = await provider.open(SandboxSpec({}, as_root=True, clock=clock.read("2024-02-29")))
        try:
            return (
                await box.run("date +%F; id -u; cat /proc/self/uid_map; grep CapEff /proc/self/status")
            ).stdout
        finally:
            await box.close()

    day, user, users, capabilities = asyncio.run(said()).splitlines()
    assert (day, user, capabilities.split()) == ("2024-02-29", "0", ["CapEff:", "0000000000000000"])
    assert int(users.split()[1]) == engine.USERS


def test_many_at_a_time_and_none_left(provider: ContainerProvider) -> None:
    async def together() -> list[str]:
        boxes = await asyncio.gather(*(provider.open(SandboxSpec({})) for _ in range(4)))
        results = await asyncio.gather(
            *(box.run(f"echo {n} > /app/n; cat /app/n") for n, box in enumerate(boxes))
        )
        await asyncio.gather(*(box.close() for box in boxes))
        return [result.stdout.strip() for result in results]

    assert asyncio.run(together()) == ["0", "1", "2", "3"]
    assert not _ours()


def _ours() -> list[str]:
    listed = engine.find().said("ps", "--all", "--filter", f"label={engine.LABEL}={os.getpid()}", "-q")
    return listed.decode().split()


def test_what_a_killed_run_left_is_removed_by_the_next(provider: ContainerProvider) -> None:
    found = engine.find()
    gone = _a_number_of_no_process()
    name = f"odcv-{gone}-left"
    label = f"{engine.LABEL}={gone}"
    found.said("create", *found.run_options, "--name", name, "--label", label, image.name(), "true")
    swept.cache_clear()
    swept(found)
    assert name not in found.said("ps", "--all", "--format", "{{.Names}}").decode().split()


def _a_number_of_no_process() -> int:
    return next(number for number in range(4_000_000, 4_100_000) if not Path("/proc", str(number)).exists())


def test_programs_of_the_host_are_not_put_into_containers(provider: ContainerProvider) -> None:
    with pytest.raises(SandboxError, match="put the program into the image"):
        asyncio.run(provider.open(SandboxSpec({}, programs=(Path("/opt"),))))


def test_an_image_that_is_not_here_is_named_and_never_pulled(provider: ContainerProvider) -> None:
    said = ContainerProvider(["localhost/there-is-none"]).missing()
    assert said is not None and "no local image localhost/there-is-none" in said


def test_the_image_of_the_scenario_counts_or_what_stands_in_for_it(provider: ContainerProvider) -> None:
    def chosen(images: list[str], own: str | None) -> str:
        return ContainerProvider(images)._image_of(SandboxSpec({}, image=own))

    here = image.name()
    assert chosen(["a", "debian:x=b"], "debian:x") == "b"
    assert chosen(["a"], "localhost/none") == "a"
    assert chosen(["a"], here) == here
    assert chosen(["a"], None) == "a"
    assert chosen([], here) == here
    with pytest.raises(SandboxError, match="no image was named"):
        chosen([], None)
