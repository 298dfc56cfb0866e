"""Every planted fault is caught, and the healthy estimators beside them pass the same checks."""

import mutations
import pytest


@pytest.mark.parametrize("fault", mutations.FAULTS, ids=[f.name for f in mutations.FAULTS])
def test_caught(fault):
    assert mutations.caught(fault.exact_cell, fault.faulty, fault.replicates) is not None


@pytest.mark.parametrize("law", mutations.CONTROLS, ids=[law.name for law in mutations.CONTROLS])
def test_healthy_passes(law):
    assert mutations.caught(law, law.estimator) is None


def test_enough_faults():
    assert len(mutations.FAULTS) >= 20
