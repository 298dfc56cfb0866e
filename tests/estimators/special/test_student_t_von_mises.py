"""Von Mises' series beside its quadrature; each element by its own parameter, in its shape."""

import math

import pytest
import torch
from torch.testing import assert_close

from estimators.special import student_t_von_mises
from estimators.special.student_t_von_mises import (
    SERIES,
    student_t_cdf,
    student_t_cdf_df_derivative,
    von_mises_cdf,
)


@pytest.mark.parametrize("concentration", [0.0, 1e-6, 0.3, 2.0, SERIES])
def test_the_series_of_von_mises_is_its_quadrature(concentration, monkeypatch):
    concentration = torch.tensor(concentration, dtype=torch.float64)
    near = torch.logspace(-9, math.log10(math.pi), 300, dtype=torch.float64).clamp_max(math.pi)
    x = torch.cat([near, math.pi - near, -near])
    found = von_mises_cdf(concentration, x)
    alone = von_mises_cdf(concentration.expand(len(x)).clone(), x)  # numbers of their own
    monkeypatch.setattr(student_t_von_mises, "SERIES", -1.0)
    for ours, theirs, each in zip(found, von_mises_cdf(concentration, x), alone, strict=True):
        assert_close(ours, theirs, rtol=1e-10, atol=1e-15)
        assert_close(each, ours, rtol=1e-13, atol=1e-15)


def test_von_mises_of_one_concentration_do_not_depend_on_another():
    x = torch.linspace(-3, 3, 41, dtype=torch.float64)[:, None]
    for other in (3.0, 7.0):
        both = torch.tensor([2.0, other], dtype=torch.float64)
        for found, alone in zip(von_mises_cdf(both, x), von_mises_cdf(both[:1], x), strict=True):
            assert torch.equal(found[:, 0], alone[:, 0])
        mapped = torch.vmap(lambda kappa: torch.stack(von_mises_cdf(kappa, x[:, 0])))(both)
        assert_close(mapped, torch.stack(von_mises_cdf(both, x)).permute(2, 0, 1))


def test_parameters_that_repeat_themselves_keep_their_shape():
    three = torch.tensor(3.0, dtype=torch.float64)
    for z in (three / 9, torch.ones(3, dtype=torch.float64)):
        wide = three.expand(5, *z.shape)
        assert student_t_cdf(wide, z).shape == wide.shape
        assert von_mises_cdf(wide, z)[0].shape == wide.shape
        assert torch.equal(
            student_t_cdf_df_derivative(wide, z),
            student_t_cdf_df_derivative(three, z).expand_as(wide),
        )
