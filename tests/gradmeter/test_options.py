"""The exit statuses: 3 if a cell failed, 4 if none could be measured, else 0; and imports."""

import gc

import pytest
from click.testing import CliRunner

from gradmeter import main
from gradmeter.options import imports, leave


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (["refused"], 4),
        (["refused", "refused"], 4),
        (["error"], 3),
        (["ok", "error"], 3),
        (["refused", "error"], 3),
    ],
)
def test_what_is_left_with(statuses, status):
    with pytest.raises(SystemExit) as left:
        leave([{"status": each} for each in statuses])
    assert left.value.code == status


@pytest.mark.parametrize("statuses", [[], ["ok"], ["ok", "refused"]])
def test_what_went_well_goes_on(statuses):
    assert leave([{"status": each} for each in statuses]) is None


def test_a_run_in_which_everything_is_refused_says_so_by_its_status(tmp_path):
    words = ["run", "-p", "normal-quadratic", "-e", "enumeration", "-K", "1", "-R", "200"]
    done = CliRunner().invoke(main, [*words, "--no-timing", "--out", str(tmp_path)])
    assert done.exit_code == 4, done.output


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_is_collected_after_imports_as_before(enabled):
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with imports():
            assert not gc.isenabled()
        assert gc.isenabled() == enabled
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        (gc.enable if before else gc.disable)()
