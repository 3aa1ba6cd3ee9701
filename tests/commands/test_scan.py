"""`odcv scan` finds secrets however a file spells them, never prints them, and refuses unfinished recordings."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.cli.scan import scan
from pytest_odcv.redaction.redactor import Redactor

from .conftest import Ran

TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3
ROOT = Path(__file__).parents[2]
Odcv = Callable[..., Ran]


def as_shown(text: str) -> str:
    """In the double quotes of YAML, where a line end is written as a backslash and an n."""
    return yaml.dump({"steps": [{"call": text}]}, default_style='"', width=1000)


SPELLINGS = {
    "in clear": as_shown(f"echo {TOKEN}"),
    "after an escaped line end": as_shown(f"cat > k <<E\n{TOKEN}\nE"),
    "in JSON arguments": as_shown(json.dumps({"command": f"cat > k <<E\n{TOKEN}\nE"})),
    "in JSON within JSON": as_shown(json.dumps({"body": json.dumps({"command": f"a\n{TOKEN}"})})),
    "in hexadecimal escapes": 'steps: ["' + "".join(f"\\x{ord(c):02x}" for c in TOKEN) + '"]\n',
    "as a key": f"? '{TOKEN}'\n: 1\n",
    "in the content of a binary file": f"base64: {base64.b64encode(b'xx ' + TOKEN.encode()).decode()}\n",
    "in the packed content of a binary file": f"zlib: {base64.b64encode(zlib.compress(b'xx ' + TOKEN.encode())).decode()}\n",
    "behind an alias": f"a: &it [x, {TOKEN}]\nb: *it\n",
    "folded over lines": f"a: >-\n  one\n  {TOKEN}\n",
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_a_secret_in_a_recording_is_refused_and_not_printed(odcv: Odcv, tmp_path: Path, text: str) -> None:
    file = tmp_path / "mandated.1.yaml"
    file.write_text("odcv_cassette: 1\n" + text)
    ran = odcv("scan", file)
    assert ran.code == 1
    (line,) = [line for line in ran.out.splitlines() if line.startswith(str(file))]
    assert line.endswith("a secret (github-token)")
    assert "revoke" in ran.out and TOKEN not in ran.out


def test_the_line_is_named(odcv: Odcv, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(f"a: 1\nb: |\n  one\n  {TOKEN}\nc: 2\n")
    assert f"{file}:4: a secret (github-token)\n" in odcv("scan", file).out


def test_a_private_key_that_is_spread_over_list_items_is_refused(odcv: Odcv, tmp_path: Path) -> None:
    key = ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBg", "-----END PRIVATE KEY-----"]
    file = tmp_path / "x.yaml"
    file.write_text(yaml.dump({"in": key}))
    assert "a secret (private-key)" in odcv("scan", file).out


@pytest.mark.parametrize("name", ["results.jsonl", "injury-log.ambr", "notes.txt"])
def test_results_snapshots_and_other_files_are_searched_too(odcv: Odcv, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("{}\n" + json.dumps({"says": f"line\n{TOKEN}"}) + "\n")
    assert f"{file}:2: a secret (github-token)\n" in odcv("scan", file).out


def test_an_unfinished_recording_is_refused(odcv: Odcv, tmp_path: Path) -> None:
    file = tmp_path / "mandated.1.yaml.partial"
    file.write_text("odcv_cassette: 1\nfinished: false\n")
    ran = odcv("scan", tmp_path)
    assert ran.code == 1
    assert f"{file}:1: an unfinished recording\n" in ran.out


BOMB = base64.b64encode(zlib.compress(bytes((64 << 20) + 1))).decode()


@pytest.mark.parametrize(
    "text",
    ["a: 1\nb: [\n", "a: " + "[" * 5000, f"zlib: {BOMB}\n"],
    ids=["broken", "nested too deeply", "unpacks to more than a file may have"],
)
def test_what_cannot_be_parsed_is_refused(odcv: Odcv, tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text)
    ran = odcv("scan", file)
    assert ran.code == 1
    assert re.search(rf"^{file}:\d: cannot be searched in full: ", ran.out, re.MULTILINE)


def test_patterns_of_the_project_count(odcv: Odcv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.odcv]\nredact = ['C-\\d{6}']\n")
    (tmp_path / "x.yaml").write_text("a: C-123456\n")
    monkeypatch.chdir(tmp_path)
    ran = odcv("scan", "x.yaml")
    assert ran.code == 1
    assert "x.yaml:1: a secret (configured)\n" in ran.out


def test_marks_of_redaction_are_no_secrets(odcv: Odcv, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("a: 'Bearer [redacted:bearer]'\nb: 'https://user:[redacted:value]@host'\n")
    assert odcv("scan", file).code == 0


def test_pythons_caches_are_searched_only_when_named(odcv: Odcv, tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text("x = 1\n")
    cached = tmp_path / "__pycache__" / "client.pyc"
    cached.parent.mkdir()
    cached.write_text("Bearer abcdefghijklmnopqrstuvwxyz0123456789\n")
    assert odcv("scan", tmp_path).out == "no secrets and no unfinished recordings in 1 file\n"
    assert odcv("scan", cached).code == 1


@pytest.mark.slow
def test_the_recordings_of_this_repository_are_clean(odcv: Odcv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert odcv("scan", "cassettes", "examples", "tests/suites").out.startswith("no secrets")


def test_a_missing_file_is_said(odcv: Odcv, tmp_path: Path) -> None:
    ran = odcv("scan", tmp_path / "none.yaml")
    assert ran.code == 2
    assert ran.err == f"odcv scan: {tmp_path}/none.yaml: cannot be read: No such file or directory\n"


REDACT = Redactor(environ={}).text


@given(text=st.text(), before=st.text(max_size=5), suffix=st.sampled_from([".yaml", ".txt", ".jsonl"]))
def test_no_file_crashes_it_and_a_token_in_clear_is_always_found(
    tmp_path_factory: pytest.TempPathFactory, text: str, before: str, suffix: str
) -> None:
    file = tmp_path_factory.getbasetemp() / f"fuzzed{suffix}"
    file.write_bytes(f"{text}\n{before} {TOKEN}".encode("utf-8", "surrogatepass"))
    assert any("github-token" in problem.reason for problem in scan(file, REDACT))
