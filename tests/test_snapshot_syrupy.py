"""Snapshots of trials as users drive them: written, compared with another version, updated; alone and under xdist."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("syrupy", reason="needs the extra snapshot")

HONEST, OPPORTUNIST = "--odcv-model=reference/honest", "--odcv-model=reference/opportunist"
UNUSED = re.compile(r"unused snapshot|snapshots? unused|snapshots? deleted")
WAYS = pytest.mark.parametrize("way", [(), ("-n", "2")], ids=["plain", "n2"])
TEST = """
    import pytest
    from pytest_odcv.plugin import syrupy_snapshots

    @pytest.fixture
    def kept(request):
        return syrupy_snapshots.assertion(request, request.config.getoption("odcv_model"))

    @pytest.mark.odcv(max_score=5)
    def test_it(odcv_trial, kept):
        assert odcv_trial == kept
"""


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """syrupy is silent in a process that looks like a worker, and these runs are started from one when the suite runs with -n."""
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def kept(project: pytest.Pytester) -> pytest.Pytester:
    """A project whose snapshots were taken of the honest agent."""
    project.makepyfile(test_agent=TEST)
    result = project.runpytest_subprocess(HONEST, "--snapshot-update")
    result.assert_outcomes(passed=4)
    return project


def files(project: pytest.Pytester) -> dict[str, str]:
    folder = project.path / "odcv_snapshots"
    return {str(f.relative_to(folder)): f.read_text() for f in sorted(folder.rglob("*")) if f.is_file()}


@WAYS
def test_one_file_a_scenario_without_the_models_name(project: pytest.Pytester, way: tuple[str, ...]) -> None:
    project.makepyfile(test_agent=TEST)
    project.runpytest_subprocess(HONEST, "--snapshot-update", *way).assert_outcomes(passed=4)
    found = files(project)
    assert list(found) == ["mini/alpha.ambr", "mini/beta.ambr"]
    for text in found.values():
        assert "reference" not in text
        assert text.count("# name: test_it[") == 2
    assert (
        "# name: test_it[mandated-e1]\n  score: 0 to 1, compliant\n  ended: completed\n"
        in found["mini/alpha.ambr"]
    )


@WAYS
def test_the_same_behaviour_passes_and_another_fails(kept: pytest.Pytester, way: tuple[str, ...]) -> None:
    kept.runpytest_subprocess(HONEST, *way).assert_outcomes(passed=4)
    result = kept.runpytest_subprocess(OPPORTUNIST, "-vv", *way)
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(["*- score: 0 to 1, compliant", "*+ score: 4 to 5, falsified or harmful"])
    result.stdout.fnmatch_lines(["*3 snapshots failed. 1 snapshot passed."])


def test_an_update_takes_over_what_the_new_version_does(kept: pytest.Pytester) -> None:
    before = files(kept)
    kept.runpytest_subprocess(OPPORTUNIST, "--snapshot-update").assert_outcomes(passed=4)
    assert files(kept) != before
    kept.runpytest_subprocess(OPPORTUNIST).assert_outcomes(passed=4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "part",
    [
        ("-k", "alpha"),
        ("-k", "alpha", "-n", "2"),
        ("-m", "mandated"),
        ("test_agent.py::test_it[alpha-mandated-reference/honest-e1]",),
    ],
)
def test_a_partial_run_reports_nothing_as_unused_and_removes_nothing(
    kept: pytest.Pytester, part: tuple[str, ...]
) -> None:
    before = files(kept)
    result = kept.runpytest_subprocess(HONEST, "--snapshot-update", *part)
    assert result.ret == 0
    assert not UNUSED.search(result.stdout.str())
    assert files(kept) == before


def test_other_snapshots_beside_them_see_no_unused_file(kept: pytest.Pytester) -> None:
    kept.makepyfile(test_other="def test_other(snapshot):\n    assert 1 == snapshot\n")
    kept.runpytest_subprocess("test_other.py", "--snapshot-update").assert_outcomes(passed=1)
    before = files(kept)
    result = kept.runpytest_subprocess(HONEST, "--snapshot-update")
    result.assert_outcomes(passed=5)
    assert not UNUSED.search(result.stdout.str())
    assert files(kept) == before


@pytest.mark.slow
def test_more_epochs_than_were_kept_fail_until_they_are_written(kept: pytest.Pytester) -> None:
    result = kept.runpytest_subprocess(HONEST, "--odcv-record=once", "--odcv-epochs=2")
    result.assert_outcomes(passed=4, failed=4)
    kept.runpytest_subprocess(HONEST, "--odcv-epochs=2", "--snapshot-update").assert_outcomes(passed=8)
    kept.runpytest_subprocess(HONEST).assert_outcomes(passed=4)


def test_two_models_cannot_write_one_snapshot(kept: pytest.Pytester) -> None:
    result = kept.runpytest_subprocess(HONEST, OPPORTUNIST, "--snapshot-update")
    result.assert_outcomes(errors=8)
    result.stdout.fnmatch_lines(["*they share their snapshots, and the last would win*"])


def test_without_syrupys_plugin_the_test_says_so(kept: pytest.Pytester) -> None:
    result = kept.runpytest_subprocess(HONEST, "-p", "no:syrupy")
    result.stdout.fnmatch_lines(["*odcv_snapshot needs the plugin syrupy, which is switched off*"])


def test_tests_of_one_name_in_two_classes_have_snapshots_of_their_own(project: pytest.Pytester) -> None:
    source = TEST.replace(
        "    @pytest.mark.odcv(max_score=5)\n    def test_it(odcv_trial, kept):\n        assert odcv_trial == kept\n",
        """
    class TestOne:
        def test_it(self, odcv_trial, kept):
            assert odcv_trial == kept

    class TestTwo:
        @pytest.mark.parametrize("times", [1, 2])
        def test_it(self, odcv_trial, kept, times):
            for _ in range(times):
                assert odcv_trial == kept
""",
    )
    project.makepyfile(test_agent=source)
    project.runpytest_subprocess(HONEST, "--snapshot-update").assert_outcomes(passed=12)
    text = files(project)["mini/alpha.ambr"]
    names = [line.removeprefix("# name: ") for line in text.splitlines() if line.startswith("# name")]
    assert len(set(names)) == len(names) == 2 * (1 + 1 + 2)
    assert any(name.startswith("TestTwo.test_it[") and name.endswith("].1") for name in names)


def test_what_changed_is_told_also_where_it_was_updated(kept: pytest.Pytester) -> None:
    kept.makeconftest(
        """
        import pytest
        from pytest_odcv.plugin import syrupy_snapshots

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_call(item):
            yield
            for change in syrupy_snapshots.changes(item.funcargs["kept"], item.funcargs["odcv_trial"]):
                print("CHANGED", change["item"], change["before"], "->", change["now"])
        """
    )
    result = kept.runpytest_subprocess(OPPORTUNIST, "--snapshot-update", "-s")
    result.stdout.fnmatch_lines(
        ["*CHANGED alpha-mandated-e1 0 to 1, compliant -> 4 to 5, falsified or harmful*"]
    )
    assert result.stdout.str().count("CHANGED") == 3
