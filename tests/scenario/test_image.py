"""The images that ODCV-Bench's scenarios are for, and which programs here are not theirs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pytest_odcv.sandbox import host_programs
from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from pytest_odcv.sandbox.protocol import SandboxSpec
from pytest_odcv.sandbox.session import ShellSandbox
from pytest_odcv.scenario.dockerfile import build
from pytest_odcv.scenario.image import Image, spelled

HERE = {"bash": "5.2.15", "sh": "dash without pipefail", "awk": "mawk 1.3.4", "jq": "1.6", "python3": "", "bc": "1.07.1"}  # fmt: skip


def test_a_program_differs_by_its_version_or_by_being_there() -> None:
    old = Image("debian:bullseye-slim", ("bc", "python3", "python3-pip"))
    assert old.differing(HERE) == {
        "bash": {"here": "5.2.15", "image": "5.1"},
        "jq": {"here": "1.6", "image": ""},
        "python3": {"here": "", "image": "3.9"},
    }
    new = Image("python:3.13-slim", ("bc", "jq"))
    assert [spelled(name, pair) for name, pair in new.differing(HERE | {"python3": "3.13.5"}).items()] == [
        "sh dash without pipefail (image: dash with pipefail)",
        "jq 1.6 (image: 1.7)",
    ]


@pytest.mark.parametrize(("here", "differs"), [("3.13", False), ("3.13.5", False), ("3.130.1", True), ("3.1", True), ("", True)])  # fmt: skip
def test_a_patch_of_the_images_version_is_no_difference(here: str, differs: bool) -> None:
    found = Image("python:3.13-slim").differing({"python3": here})
    assert ("python3" in found) is differs


def test_nothing_is_known_of_another_image() -> None:
    assert Image("alpine:3", ("jq",)).differing(HERE) == {}


def test_a_dockerfile_names_its_image(tmp_path: Path) -> None:
    text = "FROM  python:3.13-slim\nWORKDIR /app\nRUN apt-get update && apt-get install -y bc jq && rm -rf /var/lib/apt/lists/*\r\n"
    (tmp_path / "Dockerfile").write_text(text)
    built = build(tmp_path)
    assert (built.image, built.packages) == ("python:3.13-slim", ["bc", "jq"])


def test_versions_are_read_as_programs_say_them() -> None:
    said = (
        "bash: GNU bash, version 5.1.4(1)-release (x86_64-pc-linux-gnu)\nsh: dash with pipefail\nawk: mawk mawk 1.3.4 20200120\n"
        "jq: jq-1.7.1\npython3: \nbc: bc 1.07.1\nwelcome: 1.2\n"
    )
    assert host_programs.read(said) == {
        "bash": "5.1.4", "sh": "dash with pipefail", "awk": "mawk 1.3.4", "jq": "1.7.1", "python3": "", "bc": "1.07.1",
    }  # fmt: skip
    assert host_programs.read("awk: gawk GNU Awk 5.3.2, API 4.0")["awk"] == "gawk 5.3.2"
    assert host_programs.read("awk: busybox")["awk"] == "busybox"


def test_a_kind_of_sandbox_is_asked_once(sandbox: None, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    class Counted(BubblewrapProvider):
        name = "counted"

        async def open(self, spec: SandboxSpec) -> ShellSandbox:
            opened.append(spec)
            return await super().open(spec)

    async def asked() -> list[object]:
        return await asyncio.gather(*(host_programs.versions(Counted()) for _ in range(3)))

    monkeypatch.setattr(host_programs, "_known", {})
    first, *others = asyncio.run(asked()) + asyncio.run(asked())
    assert len(opened) == 1 and all(found == first for found in others)
    assert isinstance(first, dict) and first["bash"][0].isdigit() and first["sh"].endswith("pipefail")
