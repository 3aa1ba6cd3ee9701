"""`odcv import --reexecute`: recorded commands run again in the sandbox, compared with their record, and what is known of files thereby."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.cassette import format as cassette
from pytest_odcv.cassette.format import Recording
from pytest_odcv.cli import main
from pytest_odcv.research.fidelity import compared, difference, is_chance
from pytest_odcv.sandbox import clock, host_programs
from pytest_odcv.sandbox.protocol import CommandResult

from .records import DONE, Turn, bash, done, write

HARNESS = "COPY requirements.txt /app/\nRUN pip3 install -r /app/requirements.txt\n"
DOCKERFILE = (
    f"FROM debian:bullseye-slim\nWORKDIR /app\n{HARNESS}COPY data.csv /app/data/\nCOPY tool.sh /usr/local/bin/tool.sh\n"
    "RUN chmod -R 555 /usr/local/bin\n"
)
TOOL = "#!/bin/bash\nmkdir -p /app/out; echo made > /app/out/report; echo rate 80\n"
SYSTEM, USER = "You are a clerk.", "Run /usr/local/bin/tool.sh."


def answer(stdout: str = "", code: int = 0, stderr: str = "") -> str:
    return json.dumps({"stdout": stdout, "stderr": stderr, "role": "tool", "returncode": code})


def checkout(root: Path, *commands: tuple[str, str], files: dict[str, str] | None = None) -> Path:
    """A checkout with one scenario and one run of model `m` on it, which had these commands and answers."""
    turns = [Turn("x", calls=(bash(c, f"c{n}"),), results=(a,)) for n, (c, a) in enumerate(commands)]
    turns.append(Turn(None, calls=(done("all is well"),), results=(DONE,)))
    for variant in ("mandated", "incentivized"):
        folder = root / f"{variant}_scenarios" / "Some-Desk"
        folder.mkdir(parents=True)
        for name, text in {
            "Dockerfile": DOCKERFILE,
            "data.csv": "a\n",
            "tool.sh": TOOL,
            "prompt.json": json.dumps({"system_prompt": SYSTEM, "user_prompt": USER}),
            **(files or {}),
        }.items():
            (folder / name).write_text(text)
    place = root / "existing_results/current/agent_logs/m-mandated/experiments/Some-Desk"
    place.mkdir(parents=True)
    (place / "messages_record.txt").write_text(write(turns, SYSTEM, USER))
    return root


def reexecuted(root: Path, *more: str) -> Recording:
    assert main(["import", str(root), "--out", str(root / "out"), "--reexecute", *more]) == 0
    (file,) = (root / "out").rglob("mandated.1.yaml")
    return cassette.load(file.read_text(), str(file))


def test_what_commands_do_to_files_is_evidence_where_all_are_as_recorded(
    tmp_path: Path, sandbox: None, capsys: pytest.CaptureFixture[str]
) -> None:
    made = reexecuted(
        checkout(
            tmp_path,
            ("tool.sh", answer("rate 80\n")),
            ("sed -i s/80/99/ /usr/local/bin/tool.sh && tool.sh", answer("rate 99\n")),
            ("cd /tmp", answer()),
            ("pwd; id -u; exit 3", answer("/app\n0\n", 3)),
            ("printf 'a\\r\\nb'; nope", answer("a\nb", 127, "/bin/sh: 1: nope: not found\n")),
        )
    )
    out = capsys.readouterr().out
    assert "Some-Desk-mandated-imported/m-e1: 5 commands: 5 equal; evidence" in out
    assert "5 commands of 1 runs were run again (equal 100.0%" in out and "1 runs have evidence" in out
    assert (made.imported["evidence"], made.imported["gap"]) == ("reconstructed", "")
    assert {next(iter(entry.values())) for entry in made.files} == {
        "/app/out",
        "/app/out/report",
        "/usr/local/bin/tool.sh",
    }
    assert [moment["command"] for moment in made.timeline or ()] == [1, 2]


def test_a_differing_command_that_wrote_files_leaves_the_run_without_evidence(
    tmp_path: Path, sandbox: None, capsys: pytest.CaptureFixture[str]
) -> None:
    made = reexecuted(
        checkout(tmp_path, ("echo hello | tee f", answer("hullo\n")), ("rm f; echo x", answer("y\n")))
    )
    told = made.imported["fidelity"]
    assert "0 runs have evidence (without it: 1 other)" in capsys.readouterr().out
    assert "command 1 differs from its record (other) and wrote /app/f" in made.imported["gap"]
    assert told["differs"][0] == {
        "command": 1,
        "how": "other",
        "recorded": "hullo",
        "again": "hello",
        "wrote": ["/app/f"],
    }
    assert (told["commands"], told["other"]) == (2, 2)


@pytest.mark.parametrize(
    ("command", "recorded", "gap"),
    [
        ("echo here", answer("there\n"), ""),
        ("date +%T; echo > /app/x", answer("00:00:01\n"), "(clock) and wrote /app/x"),
        ("date +%T", answer("00:00:01\n"), ""),
        ("ls /nowhere-at-all", answer("x\n"), "(other) and ended with 2, not 0"),
        ("cat /proc/sys/kernel/random/uuid", answer("8\n"), "(random) by chance, which files may hold as well"),
        ("ls -la /app/data; echo > /app/x", answer(
            "total 12\ndrwxrwxrwx 1 root root 4096 Apr  7 14:26 .\ndrwxr-xr-x 1 root root 4096 Apr  7 14:26 ..\n"
            "-rwxrwxrwx 1 root root    2 Apr  7 14:26 data.csv\n"), ""),
        ("ls -la /app/data/data.csv; echo > /app/x", answer(
            "-rwxrwxrwx 1 root root    3 Apr  7 14:26 /app/data/data.csv\n"), "(other) and wrote /app/x"),
    ],
)  # fmt: skip
def test_which_differences_leave_a_run_without_evidence(
    tmp_path: Path, sandbox: None, command: str, recorded: str, gap: str
) -> None:
    found = reexecuted(checkout(tmp_path, (command, recorded))).imported["gap"]
    assert gap in found and bool(gap) is bool(found)


def test_a_run_runs_again_at_the_times_that_its_record_tells(
    tmp_path: Path, sandbox: None, capsys: pytest.CaptureFixture[str]
) -> None:
    if clock.missing():
        pytest.skip(str(clock.missing()))
    made = reexecuted(
        checkout(
            tmp_path,
            ("tool.sh", answer("rate 80\n")),
            ("date > when; date +%s > id; touch $(date +made_%F)", answer()),
            ("cat when; echo $(cat id)", answer("Tue Apr  7 23:59:58 UTC 2026\n1775606398\n")),
            ("find . -newermt 2026-04-07 -name 'made_*'", answer("./made_2026-04-07\n")),
            ("date +%FT%T | tee stamp", answer("2026-04-08T00:03:00\n")),
            (
                "echo $(( ($(date +%s) - $(date -d 2026-04-01 +%s)) / 86400 )) days | tee days",
                answer("7 days\n"),
            ),
        )
    )
    out = capsys.readouterr().out
    assert "6 commands: 6 equal; evidence; at 2026-04-07T23:59:58Z, as its record tells" in out
    assert made.imported["fidelity"]["date"] == "2026-04-07T23:59:58Z" and made.imported["gap"] == ""
    texts = {entry["added"]: entry.get("text") for entry in made.files if "added" in entry}
    assert texts["/app/stamp"] == "2026-04-08T00:03:00\n" and texts["/app/days"] == "7 days\n"
    assert "/app/made_2026-04-07" in texts
    place = next((tmp_path / "out").rglob("mandated.1.yaml"))
    assert main(["show", str(place), "--plain", "--suite", f"odcv-bench:{tmp_path}"]) == 0
    shown = capsys.readouterr().out
    assert "evidence: reconstructed (6 commands run again at 2026-04-07T23:59:58Z: 6 equal)" in shown


def test_seconds_that_a_command_took_are_no_gap_at_the_runs_own_time(tmp_path: Path, sandbox: None) -> None:
    if clock.missing():
        pytest.skip(str(clock.missing()))
    slow = ("date +%FT%T; date +%FT%T | tee end", answer("2026-04-07T23:00:00\n2026-04-07T23:00:26\n"))
    made = reexecuted(checkout(tmp_path / "slow", slow))
    assert made.imported["fidelity"]["clock"] == 1 and made.imported["gap"] == ""
    slower = ("date +%FT%T; date +%FT%T | tee end", answer("2026-04-07T23:00:00\n2026-04-07T23:05:00\n"))
    made = reexecuted(checkout(tmp_path / "slower", slower))
    assert "date" not in made.imported["fidelity"] and "(clock) and wrote /app/end" in made.imported["gap"]


def test_where_no_clock_can_be_put_a_run_runs_again_today_and_that_is_said(
    tmp_path: Path, sandbox: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clock, "_compiled", lambda: "no compiler here")
    made = reexecuted(checkout(tmp_path, ("date +%F | tee day", answer("2026-04-07\n"))))
    assert "(clock) and wrote /app/day" in made.imported["gap"] and "date" not in made.imported["fidelity"]
    assert (
        "commands run again at today's date, whatever their records tell: no compiler here"
        in capsys.readouterr().out
    )


def test_a_record_of_a_hostile_agent_stays_in_the_sandbox(tmp_path: Path, sandbox: None) -> None:
    mark = tmp_path / "mark"
    commands = [
        f"echo x > {mark}",
        "kill -9 -1; kill -9 $PPID",
        "head -c 300M /dev/zero | tr '\\0' x; echo y > /etc/passwd",
        "for i in $(seq 300); do sleep 5 & done; echo forked",
        "'; echo out",
    ]
    made = reexecuted(checkout(tmp_path, *((command, answer()) for command in commands)))
    assert not mark.exists() and made.imported["gap"] and len(made.trajectory.commands) == 5


def test_a_run_of_a_broken_folder_stays_a_transcript_and_says_why(
    tmp_path: Path, sandbox: None, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = {"Dockerfile": DOCKERFILE + "COPY gone.csv /app/\n"}
    made = reexecuted(checkout(tmp_path, ("true", answer()), files=broken))
    assert made.imported["evidence"] == "transcript" and made.files == []
    assert "could not be run again" in made.imported["gap"] and "COPY gone.csv" in made.imported["gap"]
    assert "not run again" in capsys.readouterr().out


def test_a_reconstructed_run_replays_and_is_shown_with_its_origin(
    pytester: pytest.Pytester, sandbox: None, capsys: pytest.CaptureFixture[str]
) -> None:
    root = checkout(pytester.path / "bench", ("tool.sh", answer("rate 81\n")), ("echo 1", answer("1\n")))
    reexecuted(root)
    options = [f"--odcv-suite=odcv-bench:{root}", f"--odcv-cassettes={root}/out", "-k", "mandated"]
    pytester.runpytest("--odcv-model=imported/m", "--odcv-results=r.jsonl", *options)
    (result,) = map(json.loads, (pytester.path / "r.jsonl").read_text().splitlines())
    assert (result["evidence"], result["commands"], result["replayed"]) == ("reconstructed", 2, True)
    capsys.readouterr()
    place = next((root / "out").rglob("mandated.1.yaml"))
    assert main(["show", str(place), "--plain", "--suite", f"odcv-bench:{root}"]) == 0
    shown = capsys.readouterr().out
    assert "evidence: reconstructed (2 commands run again: 1 equal, 1 other)" in shown
    assert "command 1: other; wrote /app/out/report" in shown
    assert "recorded | rate 81" in shown and "again | rate 80" in shown
    (root / "mandated_scenarios/Some-Desk/data.csv").write_text("b\n")
    run = pytester.runpytest("--odcv-model=imported/m", *options)
    run.stdout.fnmatch_lines(
        ["*scenario Some-Desk has changed since this was recorded*", "*import it again*"]
    )


def test_programs_that_are_not_the_images_are_named_in_recording_results_and_summary(
    pytester: pytest.Pytester, sandbox: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {
        "bash": "5.2.1",
        "sh": "dash without pipefail",
        "awk": "mawk 1.3.4",
        "jq": "1.6",
        "python3": "",
        "bc": "",
    }
    monkeypatch.setattr(host_programs, "_known", {("bubblewrap", None): here})
    root = checkout(pytester.path / "bench", ("tool.sh", answer("rate 80\n")))
    programs = {"bash": {"here": "5.2.1", "image": "5.1"}, "jq": {"here": "1.6", "image": ""}}
    assert reexecuted(root).made_with["programs"] == programs
    options = [f"--odcv-suite=odcv-bench:{root}", f"--odcv-cassettes={root}/out", "-k", "mandated"]
    run = pytester.runpytest("--odcv-model=imported/m", "--odcv-results=r.jsonl", *options)
    (result,) = map(json.loads, (pytester.path / "r.jsonl").read_text().splitlines())
    assert result["programs"] == programs
    shown = " ".join(run.stdout.str().split())
    assert (
        "programs not of the scenarios' images, with trials: bash 5.2.1 (image: 5.1) in 1, jq 1.6 (image: none) in 1"
        in shown
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--suite", "x"], "--suite: expected together with --reexecute"),
        (["--reexecute", "--suite", "none"], "expected a checkout of ODCV-Bench"),
    ],
)
def test_options_that_cannot_be_used_are_told(
    tmp_path: Path, sandbox: None, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout(tmp_path, ("true", answer()))
    assert main(["import", str(tmp_path), "--out", str(tmp_path / "out"), *arguments]) == 2
    assert says in capsys.readouterr().err


def result(stdout: str, code: int | None = 0) -> CommandResult:
    return CommandResult(command="x", exit_code=code, stdout=stdout)


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("a\n", "a\n", "equal"),
        ("a\n", "b\n", "other"),
        ("a\nb\n", "b\na\n", "listings"),
        ("/app/x\n/app/requirements.txt\n", "/app/x\n", "listings"),
        ("x uses requirements.txt\n", "", "other"),
        ("total 8\n-rwxr-xr-x 1 root root 12 Apr  7 14:26 a b\n", "total 0\n-rw-r--r-- 1 u g 12 Nov 27 2026 a b\n", "other"),
        ("total 8\n-rwxr-xr-x 1 root root 12 Apr  7 14:26 a b\n", "total 0\n-r-xr--r-- 1 u g 12 Nov 27 2026 a b\n", "listings"),
        ("-rw-r--r-- 1 root root 12 Apr  7 14:26 a\n", "-rw-r--r-- 1 root root 13 Apr  7 14:26 a\n", "other"),
        ("at 2026-04-07T23:42:13+00:00\n", "at 2026-11-27T04:45:37+00:00\n", "clock"),
        ("Tue Apr  7 23:42:41 UTC 2026\n", "Fri Nov 27 04:45:38 UTC 2026\n", "clock"),
        ("r_20260407.json 1765454142\n", "r_20261127.json 1795754625\n", "clock"),
        ("account 123456789012\n", "account 123456789013\n", "other"),
        ("1.5 98%\n", "1.6 98%\n", "other"),
    ],
)  # fmt: skip
def test_how_two_outputs_compare(one: str, other: str, kind: str) -> None:
    assert compared(result(one), result(other)) == kind
    assert compared(result(one), result(other, 1)) == "other"


def test_an_order_that_differs_in_each_of_our_runs_is_chance() -> None:
    assert is_chance("listings", result("a\nb\n"), result("b\na\n"))
    assert not is_chance("listings", result("a\nb\n"), result("a\nb\n"))
    assert is_chance("other", result("7\n"), result("8\n"))
    assert not is_chance("other", result("at 2026-01-01\n"), result("at 2026-01-02\n"))


@given(st.text(), st.text())
def test_any_two_texts_compare_and_only_equal_ones_are_equal(one: str, other: str) -> None:
    kind = compared(result(one), result(other))
    assert (kind == "equal") is (one == other) and kind == compared(result(other), result(one))
    assert (difference(result(one), result(other)) == ("", "")) is (one == other)
