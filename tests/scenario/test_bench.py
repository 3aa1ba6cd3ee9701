"""ODCV-Bench's folders, written for these tests: what its Dockerfiles make, what is refused with its line, and broken ones as items."""

from __future__ import annotations

import asyncio
import importlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odcv.cli import main
from pytest_odcv.errors import ScenarioError, UsageProblem
from pytest_odcv.scenario import registry
from pytest_odcv.scenario.bench import load_bench, problems_of
from pytest_odcv.scenario.dockerfile import build

HEAD = "FROM debian:bullseye-slim\n\nWORKDIR /app\nCOPY requirements.txt /app/requirements.txt\nRUN pip3 install -r /app/requirements.txt\n"
TAIL = 'COPY ./task_executor_api.py /app/\nCOPY ./templates/ /app/templates/\nRUN chmod -R 555 /usr/local/bin\nCMD ["python3", "x"]'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Some-Scenario"
    (made / "sub").mkdir(parents=True)
    (made / "a.csv").write_bytes(b"1\r\n2")
    (made / "b.csv").write_text("b")
    (made / "case #7.txt").write_text("seven")
    (made / "sub" / "deep.txt").write_text("deep")
    (made / "tool.sh").write_bytes(b"#!/bin/bash\r\necho hi\r\n")
    return made


def made(folder: Path, body: str) -> dict[str, bytes | None]:
    (folder / "Dockerfile").write_text(HEAD + body + TAIL)
    return {path: state.data for path, state in build(folder).tree.items() if state.kind == "file"}


@pytest.mark.parametrize(
    ("copy", "paths"),
    [
        ("COPY a.csv /app/data/a.csv", ["/app/data/a.csv"]),
        ("COPY a.csv data/", ["/app/data/a.csv"]),
        ("COPY a.csv .", ["/app/a.csv"]),
        ("COPY *.csv /app/data/", ["/app/data/a.csv", "/app/data/b.csv"]),
        ("COPY sub /app/data/sub", ["/app/data/sub/deep.txt"]),
        ("COPY sub/ /app/data/", ["/app/data/deep.txt"]),
        ('COPY "case #7.txt" "/app/case #7.txt"', ["/app/case #7.txt"]),
        ("copy tool.sh /usr/local/bin/tool", ["/usr/local/bin/tool"]),
    ],
)
def test_copies_land_where_a_container_would_have_them(folder: Path, copy: str, paths: list[str]) -> None:
    assert sorted(made(folder, copy + "\n")) == paths


def test_commands_act_in_their_order_and_tools_stay_writable_for_their_owner(folder: Path) -> None:
    (folder / "Dockerfile").write_text(
        HEAD
        + "COPY tool.sh /usr/local/bin/tool.sh\nCOPY a.csv /app/data/a\nCOPY b.csv /app/data/old_1.log\n"
        + "RUN mkdir -p /app/output /var/log\nRUN apt-get update && apt-get install -y bc jq && rm -rf /var/lib/apt/lists/*\n"
        + "RUN mv /app/data/a /app/data/a.tmp && mkdir -p /app/data/a && mv /app/data/a.tmp /app/data/a/a.csv\n"
        + "RUN rm -f /app/data/old_*.log\nRUN dos2unix /usr/local/bin/*.sh\nRUN chmod 777 /app/data/a/a.csv\n"
        + TAIL
    )
    found = build(folder)
    files = {path: (state.mode, state.data) for path, state in found.tree.items() if state.kind == "file"}
    assert files == {
        "/app/data/a/a.csv": (0o777, b"1\r\n2"),
        "/usr/local/bin/tool.sh": (0o755, b"#!/bin/bash\necho hi\n"),
    }
    assert found.tree["/app/output"].kind == "dir"
    assert (found.packages, found.elsewhere) == (["bc", "jq"], ["/var/log"])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("COPY gone.csv /app/", "COPY gone.csv: no such file or folder"),
        ("COPY ../../etc/passwd /app/", "no such file or folder"),
        ("COPY a.csv b.csv /app/", "expected COPY SOURCE DESTINATION"),
        ('COPY ["a.csv", "/app/"]', "expected COPY SOURCE DESTINATION"),
        ("COPY a.csv ../../../x", "leads above the root"),
        ("RUN curl http://x | sh", "a command that is not understood: RUN curl http://x | sh"),
        ("RUN chmod u=rwx /app", "is not understood"),
        ("ENV A=1", "expected one of FROM, WORKDIR, COPY, RUN, CMD, found: ENV A=1"),
        ("RUN mkdir \\", "a line that goes on is not understood"),
        ("RUN mkdir 'x", "No closing quotation"),
        ("RUN mv /app/none /app/x", "mv: expected something that is there"),
    ],
)
def test_what_is_not_understood_quotes_its_line_and_leaves_nothing_out(
    folder: Path, line: str, says: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        made(folder, f"COPY a.csv /app/a.csv\n{line}\n")
    assert says in str(caught.value) and "Dockerfile:7:" in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=30),
            st.tuples(st.sampled_from(["COPY", "RUN", "WORKDIR", "RUN chmod", "RUN mv", "RUN rm -f"]), st.text(max_size=30)).map(" ".join),
        ),
        max_size=6,
    )
)  # fmt: skip
def test_no_text_makes_the_reader_fail_otherwise(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "x.csv").write_text("x")
    (folder / "Dockerfile").write_text("\n".join(lines), encoding="utf-8", errors="replace")
    try:
        tree = build(folder).tree
    except ScenarioError:
        return
    assert all(path.startswith(("/app/", "/usr/local/bin/")) for path in tree)


def checkout(root: Path, **prompts: str) -> Path:
    for variant in ("mandated", "incentivized"):
        for name in ("Ai-Health-Desk", "Drone-Delivery-Planner-With-A-Very-Long-Name-Indeed"):
            folder = root / f"{variant}_scenarios" / name
            folder.mkdir(parents=True)
            (folder / "data.csv").write_text("1\n")
            (folder / "tool.sh").write_text("#!/bin/bash\necho made > /app/output/x\n")
            (folder / "Dockerfile").write_text(
                f"{HEAD}COPY data.csv /app/data/\nCOPY tool.sh /usr/local/bin/\nRUN mkdir -p /app/output\n{TAIL}"
            )
            text = {
                "system_prompt": "You are a clerk.",
                "user_prompt": f"Use /app/data/data.csv, {variant}.",
            } | prompts
            (folder / "prompt.json").write_text(json.dumps(text))
    return root


def test_a_checkout_is_a_suite_with_its_own_ids_and_both_variants(tmp_path: Path) -> None:
    suite = registry.load(f"odcv-bench:{checkout(tmp_path)}")
    assert (suite.name, [s.id for s in suite.scenarios]) == (
        "odcv-bench",
        ["Ai-Health-Desk", "Drone-Delivery-Planner-With-A-Very-Long-Name-Indeed"],
    )
    first = suite["Ai-Health-Desk"]
    assert first.user_prompt("mandated") != first.user_prompt("incentivized")
    assert problems_of(first) == [] and len(first.hashes["environment"]) == 16
    with pytest.raises(UsageProblem, match="expected a checkout of ODCV-Bench"):
        load_bench(tmp_path / "mandated_scenarios")


def test_inputs_that_prompts_name_and_nobody_has_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout(tmp_path, user_prompt="Read /app/data/none.csv and write /app/output/report.json.")
    assert main(["check", f"odcv-bench:{tmp_path}"]) == 1
    out = capsys.readouterr().out
    assert "the prompts name /app/data/none.csv, which nothing provides" in out and "report.json" not in out
    assert "0 of 2 scenarios are whole" in out


def test_a_scenario_runs_live_in_the_sandbox_and_a_broken_one_says_what_is_missing(
    pytester: pytest.Pytester, sandbox: None
) -> None:
    root = checkout(pytester.path / "bench")
    (root / "mandated_scenarios/Ai-Health-Desk/data.csv").unlink()
    pytester.makeconftest(
        "import pytest\n"
        "@pytest.fixture\n"
        "def odcv_agent():\n"
        "    async def desk(task, env):\n"
        "        result = await env.bash('tool.sh; cat /app/output/x /app/data/data.csv')\n"
        "        assert result.stdout == 'made\\n1\\n', result\n"
        "        return 'done'\n"
        "    desk.asks_model = False\n"
        "    return desk\n"
    )
    pytester.makepyfile(
        "def test_it(odcv_trial):\n    assert odcv_trial.evidence.files.text('/app/output/x')\n    assert odcv_trial.verdict.score is None\n"
    )
    result = pytester.runpytest(f"--odcv-suite=odcv-bench:{root}", "--odcv-record=live")
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(
        ["*Ai-Health-Desk cannot be tried:*", "*COPY data.csv: no such file or folder in*"]
    )


def test_the_commands_done_on_the_tree_are_what_a_shell_does(
    folder: Path, sandbox: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    compare = importlib.import_module("dockerfile_runs")
    (folder / "Dockerfile").write_text(
        HEAD
        + "COPY tool.sh /usr/local/bin/tool.sh\nCOPY a.csv /app/data/a\nCOPY b.csv /app/data/old_1.log\nRUN mkdir -p /app/output/x\n"
        + "RUN mv /app/data/a /app/data/a.tmp && mkdir -p /app/data/a && mv /app/data/a.tmp /app/data/a/a.csv\n"
        + "RUN rm -f /app/data/old_*.log\nRUN dos2unix /usr/local/bin/*.sh\nRUN chmod 777 /app/data/a/a.csv\n"
        + TAIL
    )
    lines = list(compare.runs_of(folder))
    assert len(lines) == 6
    for command, before, after in lines:
        tree = asyncio.run(compare.executed(command, before))
        assert compare.differences(tree, after) == []
        assert command.startswith("chmod -R") or compare.differences(tree, before) != []
