"""What an engine that is not there, or cannot, is called; with stand-ins for its command line."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_odcv.errors import SandboxError
from pytest_odcv.sandbox import container, engine, seccomp
from pytest_odcv.sandbox.container import ContainerProvider
from pytest_odcv.sandbox.protocol import SandboxSpec
from pytest_odcv.sandbox.registry import provider

StandIn = Callable[..., None]


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    caches = (engine.find, container._missing, container._prepared, container.swept)
    for one in caches:
        one.cache_clear()
    yield
    for one in caches:
        one.cache_clear()


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Puts a program of that name alone on PATH; it answers as the shell text says."""

    def put(name: str, text: str) -> None:
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{text}\n")
        program.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return put


def test_without_an_engine_it_says_what_to_install(stand_in: StandIn) -> None:
    said = ContainerProvider(["any"]).missing()
    assert said is not None and "expected podman or docker on PATH" in said and "install podman" in said


def test_a_daemon_that_does_not_run_is_told_in_the_engines_words(stand_in: StandIn) -> None:
    stand_in("docker", "echo 'Cannot connect to the Docker daemon. Is it running?' >&2; exit 1")
    said = ContainerProvider(["any"]).missing()
    assert (
        said == "container: docker version failed with 1: Cannot connect to the Docker daemon. Is it running?"
    )


def test_podman_is_taken_before_docker_and_has_users_of_its_own_as_root(stand_in: StandIn) -> None:
    info = {"host": {"cgroupVersion": "v2", "security": {"rootless": False}}}
    stand_in("podman", f"[ \"$1\" = info ] && echo '{json.dumps(info)}' || true")
    stand_in("docker", "exit 1")
    found = engine.find()
    assert (found.name, found.first_user, found.rootless) == ("podman", engine.USERS, False)
    assert "--pull=never" in found.run_options and "--uidmap" in found.run_options
    assert found.users(1000) == ["--user", "1000:1000"]


def test_what_is_no_json_is_told_and_no_traceback(stand_in: StandIn) -> None:
    stand_in("podman", "echo hello")
    with pytest.raises(SandboxError, match=r"podman info --format was to print JSON: .* found b'hello"):
        engine.find()


def test_without_root_the_agent_is_this_user(stand_in: StandIn) -> None:
    info = {"host": {"cgroupVersion": "v2", "security": {"rootless": True}}}
    stand_in("podman", f"[ \"$1\" = info ] && echo '{json.dumps(info)}' || true")
    found = engine.find()
    assert (found.first_user, found.rootless) == (None, True)
    assert "--userns=keep-id:uid=1000,gid=1000" in found.users(1000)
    assert found.users(0) == ["--user", "0:0"]


def test_user_0_is_never_root_of_this_machine(stand_in: StandIn) -> None:
    stand_in("docker", "true")
    with pytest.raises(SandboxError, match="root of this machine, which an agent never is; use podman"):
        asyncio.run(ContainerProvider(["any"]).open(SandboxSpec({}, as_root=True)))


def test_an_ordinary_user_is_told_why_docker_is_not_enough(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("docker", "true")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    said = ContainerProvider(["any"]).missing()
    assert said is not None and "belong to root here" in said and "podman as an ordinary user" in said


def test_an_image_that_is_not_here_names_the_remedy(stand_in: StandIn) -> None:
    stand_in("docker", "[ \"$1\" = image ] || exit 0; echo 'Error: No such image: any' >&2; exit 1")
    if os.geteuid():
        pytest.skip("needs root")
    said = ContainerProvider(["any"]).missing()
    assert said is not None and "no local image any" in said and "docker pull any" in said


def test_the_images_reach_the_provider_by_its_name() -> None:
    found = provider("container", ["a", "debian:x=b"])
    assert isinstance(found, ContainerProvider) and found.images == ("a", "debian:x=b")
    assert provider("bubblewrap", ["a"]).name == "bubblewrap"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_for_engines_refuses_what_ours_refuses(machine: str) -> None:
    found = seccomp.profile(machine)
    refused = {name for rule in found["syscalls"] for name in rule["names"]}
    assert refused == set(seccomp._ARCHITECTURES[machine].numbers)
    assert found["defaultAction"] == "SCMP_ACT_ALLOW"
    kill = next(rule for rule in found["syscalls"] if rule["names"] == ["kill"])
    # Of process 1, whatever the high half of the argument is.
    assert kill["args"] == [{"index": 0, "value": 0xFFFFFFFF, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}]
    families = {
        rule["args"][0]["valueTwo"] or rule["args"][0]["value"]
        for rule in found["syscalls"]
        if rule["names"] == ["socket"]
    }
    assert not families & {1, 2, 10, 16} and {17, 38, 40, 64} <= families
