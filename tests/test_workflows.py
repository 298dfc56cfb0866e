"""The workflow files: valid, few rights, and nothing that a stranger wrote in a shell."""

import re
from pathlib import Path

import pytest

from reports.regression.comment import MARK

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
FOLDER = Path(__file__).parents[1] / ".github" / "workflows"
FILES = {path.stem: path for path in sorted(FOLDER.glob("*.yml"))}
WRITES = {
    "comment": {"pull-requests"},
    "matrix": set(),
    "nightly": {"pages", "id-token"},
    "pull-request": set(),
}


def read(name: str) -> dict:
    """The workflow; YAML 1.1 reads the key `on` as True."""
    workflow = yaml.safe_load(FILES[name].read_text())
    return workflow | {"on": workflow.pop(True)}


def steps(name: str) -> list[dict]:
    return [step for job in read(name)["jobs"].values() for step in job["steps"]]


def test_all_are_there():
    assert set(FILES) == set(WRITES)


@pytest.mark.parametrize("name", FILES)
def test_a_workflow_writes_only_where_it_must(name):
    workflow = read(name)
    grants = [
        workflow["permissions"],
        *(job.get("permissions", {}) for job in workflow["jobs"].values()),
    ]
    assert {key for grant in grants for key, right in grant.items() if right == "write"} == WRITES[
        name
    ]
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


@pytest.mark.parametrize("name", FILES)
def test_actions_are_pinned_to_a_major_version(name):
    used = [step["uses"] for step in steps(name) if "uses" in step]
    assert used
    assert [action for action in used if not re.fullmatch(r"actions/[a-z/-]+@v\d+", action)] == []


@pytest.mark.parametrize("name", FILES)
def test_no_expression_is_pasted_into_a_script(name):
    scripts = [step.get("run", "") + step.get("with", {}).get("script", "") for step in steps(name)]
    assert [script for script in scripts if "${{" in script] == []


def test_what_a_pull_request_brings_runs_without_rights():
    assert "pull_request_target" not in read("pull-request")["on"]
    brought = [step.get("run", "") for step in steps("comment")]
    assert not any(brought)
    uses = [step.get("uses", "") for step in steps("comment")]
    assert not any(action.startswith("actions/checkout") for action in uses)


def test_the_comment_follows_the_pull_request_and_finds_its_mark():
    assert read("comment")["on"]["workflow_run"]["workflows"] == [read("pull-request")["name"]]
    (script,) = [
        step["with"]["script"] for step in steps("comment") if "script" in step.get("with", {})
    ]
    assert MARK in script


def test_commands_and_their_options_exist():
    from click.testing import CliRunner

    from gradmeter import main

    lines = [
        line for name in FILES for step in steps(name) for line in step.get("run", "").splitlines()
    ]
    commands = [line.split() for line in lines if line.startswith("gradmeter ")]
    assert {words[1] for words in commands} == {"regress", "run", "report"}
    for words in commands:
        said = CliRunner().invoke(main, [words[1], "--help"]).output
        assert [word for word in words if word.startswith("--") and word not in said] == []
