"""What to put into a sandbox, from two folders of a test."""

from __future__ import annotations

from pathlib import Path

from pytest_odcv.sandbox.protocol import TOOLS, WORKSPACE, Limits, SandboxSpec, Tree
from pytest_odcv.scenario.shipped import read_tree


def tree_of(workspace: Path, tools: Path) -> Tree:
    return read_tree(workspace, WORKSPACE) | read_tree(tools, TOOLS)


def spec_of(
    workspace: Path, tools: Path, limits: Limits | None = None, programs: tuple[Path, ...] = ()
) -> SandboxSpec:
    return SandboxSpec(tree_of(workspace, tools), limits or Limits(), programs)
