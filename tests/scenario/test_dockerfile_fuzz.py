"""ODCV-Bench's Dockerfiles made at random: whatever is copied is in the tree, lies elsewhere or was removed, or the reader says which line it does not
understand. No crash, no hang, no silent loss."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odcv.errors import ScenarioError
from pytest_odcv.scenario.dockerfile import build

FILES = ("a.csv", "b.csv", "case #7.txt", "tool.sh", "sub/deep.txt", "sub/more/x.json")
PLACES = ("/app/", "/app/data/", "data/", ".", "/usr/local/bin/", "/opt/", "/var/log/x/", "/app/data/../out/")
COPIES = st.tuples(st.sampled_from(["a.csv", "b.csv", '"case #7.txt"', "tool.sh", "*.csv", "sub", "sub/", "./a.csv"]), st.sampled_from(PLACES)).map(
    lambda pair: f"COPY {pair[0]} {pair[1]}"
)  # fmt: skip
HARMLESS = st.sampled_from(
    [
        "RUN mkdir -p /app/out /var/log", "RUN chmod -R 555 /usr/local/bin", "RUN chmod +x /usr/local/bin/*.sh", "RUN chmod 777 /app/data/a.csv", "# a line",
        "RUN apt-get update && apt-get install -y jq", "RUN dos2unix /usr/local/bin/*.sh", "WORKDIR /app", "", 'CMD ["python3", "x"]', "COPY templates/ /app/templates/",
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("Some-Scenario")
    for name in FILES:
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(f"content of {name}\n")
    return made


def write(folder: Path, lines: list[str], ending: str = "\n", last: bool = True) -> None:
    text = ending.join(["FROM debian:bullseye-slim", "WORKDIR /app", *lines]) + (ending if last else "")
    (folder / "Dockerfile").write_bytes(text.encode("utf-8", "surrogateescape"))


def copied(line: str) -> list[str]:
    """The files that a line of COPIES names."""
    source = line.removeprefix("COPY ").rpartition(" ")[0].strip('"').removeprefix("./").rstrip("/")
    if source == "*.csv":
        return ["a.csv", "b.csv"]
    return [name for name in FILES if name == source or name.startswith(f"{source}/")]


@settings(max_examples=150, deadline=None)
@given(st.lists(COPIES | HARMLESS, max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_every_file_that_is_copied_is_in_the_tree_or_elsewhere(
    folder: Path, lines: list[str], ending: str, last: bool
) -> None:
    write(folder, lines, ending, last)
    built = build(folder)
    held = {state.data for state in built.tree.values() if state.kind == "file"}
    names = [os.path.basename(path) for path in built.elsewhere]  # noqa: PTH119
    for line in lines:
        for name in copied(line) if line.startswith("COPY ") and "templates" not in line else ():
            inside = f"content of {name}\n".encode() in held
            assert inside or os.path.basename(name) in names, (line, sorted(built.tree))  # noqa: PTH119
    assert all(path.startswith(("/app/", "/usr/local/bin/")) for path in built.tree)
    for path in built.tree:
        above = path.rpartition("/")[0]
        assert above in ("/app", "/usr/local/bin") or built.tree[above].kind == "dir"


@settings(max_examples=150, deadline=None)
@given(st.lists(COPIES | HARMLESS, min_size=1, max_size=5), st.data())
def test_a_dockerfile_that_is_damaged_is_read_or_refused_with_its_line(
    folder: Path, lines: list[str], data: st.DataObject
) -> None:
    text = "\n".join(lines)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        piece = data.draw(
            st.sampled_from(
                [
                    "",
                    "\n",
                    "'",
                    '"',
                    "\\",
                    "..",
                    "/",
                    "*",
                    "[",
                    "&&",
                    ";",
                    "\0",
                    "\udcff",
                    "~",
                    "RUN mv ",
                    "RUN rm -f ",
                    " -R ",
                ]
            )
        )
        text = text[:at] + piece + text[at + data.draw(st.integers(0, 3)) :]
    write(folder, text.split("\n"))
    try:
        tree = build(folder).tree
    except ScenarioError as error:
        assert "Dockerfile" in str(error)
        return
    assert all(path.startswith(("/app/", "/usr/local/bin/")) and ".." not in path.split("/") for path in tree)


@pytest.mark.parametrize(
    "line",
    ["COPY a.csv /app/" + "x/" * 5_000, "RUN " + "mkdir /app/a && " * 5_000 + "true", "RUN chmod " + "*" * 5_000 + " x", "COPY " + "*" * 2_000 + "b /app/", "'" * 20_000],
)  # fmt: skip
def test_a_long_line_is_read_or_refused(folder: Path, line: str) -> None:
    write(folder, [line])
    try:
        build(folder)
    except ScenarioError as error:
        assert "Dockerfile:3:" in str(error)
