"""The exit status of `gradmeter regress` is that of its report."""

from click.testing import CliRunner

from gradmeter import main


def run(folder, problem):
    words = ["run", "-p", problem, "-e", "pathwise", "-K", "1", "-R", "200", "--no-timing"]
    done = CliRunner().invoke(main, [*words, "--out", str(folder)])
    assert done.exit_code == 0, done.output
    return str(folder)


def test_nothing_in_common_is_4_and_the_same_is_0(tmp_path):
    a, b = run(tmp_path / "a", "normal-quadratic"), run(tmp_path / "b", "normal-linear")
    to = ["--to", str(tmp_path / "report")]
    assert CliRunner().invoke(main, ["regress", a, a, *to]).exit_code == 0
    done = CliRunner().invoke(main, ["regress", a, b, *to])
    assert done.exit_code == 4, done.output
