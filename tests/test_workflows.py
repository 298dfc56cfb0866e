"""The workflow files: valid, few rights, and nothing that a stranger wrote in a shell."""

import re
from pathlib import Path

import pytest

from reports.regression.comment import MARK

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
FOLDER = Path(__file__).parents[1] / ".github" / "workflows"
TEMPLATE = FOLDER.parents[1] / "examples" / "plugin-repository" / ".github" / "workflows"
FILES = {path.stem: path for path in sorted(FOLDER.glob("*.yml"))}
FILES |= {f"template's {path.stem}": path for path in sorted(TEMPLATE.glob("*.yml"))}
PINNED = re.compile(r"(actions/[a-z-]+)(?:/\w+)?@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)")
COMMENTS = ("comment", "template's comment")
WRITES = {
    "comment": {"pull-requests"},
    "template's comment": {"pull-requests"},
    "template's gradmeter": set(),
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


def test_actions_are_pinned_to_one_commit_each():
    """A tag can be moved to other code, a commit cannot; the release stands behind it."""
    used = {}
    for name, file in FILES.items():
        for line in re.findall(r"uses: *(.*)", file.read_text()):
            found = re.fullmatch(
                r"(actions/[a-z-]+)(?:/\w+)?@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line
            )
            assert found, f"{name}: {line}"
            used.setdefault(found[1], set()).add(found.groups()[1:])
    assert len(used) == 8
    assert all(len(pins) == 1 for pins in used.values()), used


@pytest.mark.parametrize("name", FILES)
def test_no_expression_is_pasted_into_a_script(name):
    scripts = [step.get("run", "") + step.get("with", {}).get("script", "") for step in steps(name)]
    assert [script for script in scripts if "${{" in script] == []


def test_what_a_pull_request_brings_runs_without_rights():
    assert "pull_request_target" not in read("pull-request")["on"]
    for name in COMMENTS:
        for step in steps(name):
            assert "ref" not in step.get("with", {}), "only the default branch is checked out"
            place = str(step.get("with", {}).get("path", ""))
            brought = "download-artifact" in step.get("uses", "")
            assert not brought or place.startswith("${{ runner.temp }}/"), "apart from code"


@pytest.mark.parametrize("name", COMMENTS)
def test_the_comment_is_made_of_a_checked_verdict_alone(name):
    whole = FILES[name].read_text()
    assert set(re.findall(r"artefact/([\w.-]+)", whole)) == {"verdict.json", "pull-request.txt"}
    assert '"$RUNNER_TEMP/artefact/verdict.json" --to "$RUNNER_TEMP/comment.md"' in whole
    (script,) = [step["with"]["script"] for step in steps(name) if "script" in step.get("with", {})]
    assert re.findall(r"readFileSync\(`\$\{folder\}/([^`]+)`", script) == [
        "artefact/pull-request.txt", "comment.md"
    ]  # fmt: skip
    assert "Number.isSafeInteger(number)" in script
    assert "pull.data.head.sha !== run.head_sha" in script
    assert MARK in script


def test_the_comment_follows_the_workflow_of_the_pull_request():
    for name, other in zip(COMMENTS, ("pull-request", "template's gradmeter"), strict=True):
        assert read(name)["on"]["workflow_run"]["workflows"] == [read(other)["name"]]
        assert "regression/pull-request.txt" in FILES[other].read_text()


def test_commands_and_their_options_exist():
    from click.testing import CliRunner

    from gradmeter import main

    lines = [
        line.strip()
        for name in FILES
        for step in steps(name)
        for line in step.get("run", "").splitlines()
    ]
    commands = [line.split() for line in lines if line.startswith("gradmeter ")]
    assert {words[1] for words in commands} == {"regress", "run", "report", "comment"}
    for words in commands:
        said = CliRunner().invoke(main, [words[1], "--help"]).output
        assert [word for word in words if word.startswith("--") and word not in said] == []
