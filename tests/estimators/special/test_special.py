"""Parameter derivatives of distribution functions, against mpmath and against themselves.

The tables were made by mpmath 1.3 at 50 digits, d(f, p) being the central difference of step
1e-15 p:
  GAMMA      (α, x, −d(P(·, x), α)/p)             P = gammainc(regularized=True)
  BETA       (a, b, x, −d(F(·, b), a)/p, −d(F(a, ·), b)/p)   F = betainc(regularized=True)
  STUDENT_T  (ν, z, F, dF/dν), z < 0              F = betainc(ν/2, 1/2, 0, ν/(ν+z²))/2
  VON_MISES  (κ, x, F, dF/dκ), x < 0              quad of p and of p ∂ log p/∂κ over pieces of
                                                  [|x|, π], each about one e-folding long
"""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.func import grad, vmap
from torch.testing import assert_close

from estimators.special.gamma_beta import (
    beta_derivatives,
    gamma_derivative,
    gamma_derivative_reference,
    student_t_cdf,
    student_t_cdf_df_derivative,
    student_t_quantile,
    von_mises_cdf,
)
from estimators.special.gauss_legendre import integrate

GAMMA = [
    (0.001, 2.426e-05, 0.243846418972658),
    (0.001, 5.12, 856.9055970410395),
    (0.01, 5.661e-201, 2.60703269118014e-196),
    (0.01, 4.466e-31, 3.095954429066475e-27),
    (0.01, 0.2651, 34.84551941895181),
    (0.01, 7.151, 91.2926755154237),
    (0.1, 6.073e-61, 8.394712941519793e-58),
    (0.1, 6.073e-21, 2.801273233618657e-18),
    (0.1, 0.0005934, 0.04159827733354423),
    (0.1, 1.588, 7.934862846306534),
    (0.1, 9.457, 11.73581120832453),
    (0.6, 8.289e-11, 3.224359404764285e-9),
    (0.6, 0.0003848, 0.005124834534881055),
    (0.6, 0.3157, 0.9025577414626881),
    (0.6, 3.607, 2.78127053786),
    (0.6, 12.38, 4.009208237621538),
    (1, 1e-06, 1.42383022622127e-5),
    (1, 0.01005, 0.05076072824599773),
    (1, 0.6931, 0.9680090978555271),
    (1, 4.605, 2.287338500506552),
    (1, 13.82, 3.271084228917161),
    (3, 0.01825, 0.03215005952915276),
    (3, 0.436, 0.3440015023363158),
    (3, 2.674, 0.9972568819809912),
    (3, 8.406, 1.691734429198197),
    (3, 19.13, 2.312375515715074),
    (30, 10.71, 0.574949894962507),
    (30, 18.74, 0.7874433668441954),
    (30, 29.67, 1.000022544216788),
    (30, 44.19, 1.212812811463365),
    (30, 63.55, 1.429620929784411),
    (1000, 856.8, 0.9248683335117345),
    (1000, 927.9, 0.9632114388642202),
    (1000, 999.7, 1.000016643313555),
    (1000, 1075, 1.036768903098784),
    (1000, 1158, 1.075318897524019),
    (10000, 9532, 0.9762424398126767),
    (10000, 9769, 0.9883764958707666),
    (10000, 1e04, 1.000016666833324),
    (10000, 1.023e04, 1.011429690229511),
    (10000, 1.048e04, 1.023642018132194),
]
BETA = [
    (0.01, 0.01, 1.247e-70, 2.630473172602546e-66, -6.237007189582338e-67),
    (0.01, 0.01, 0.5, 1267.447116093117, -1267.447116093117),
    (0.01, 30, 1.918e-102, 4.416515958603315e-98, -6.499971159613493e-104),
    (0.01, 30, 1.513e-32, 1.048856476446506e-28, -5.127453787536608e-34),
    (0.01, 30, 5.096e-07, 0.0005373296810675532, -1.72699919406919e-8),
    (0.01, 30, 0.2152, 2.423429708938652, -0.006440637087089848),
    (0.1, 1000, 6.076e-64, 8.398854142930028e-61, -6.078734928996776e-67),
    (0.1, 1000, 6.076e-14, 1.403600630494618e-11, -6.078734928996591e-17),
    (0.1, 1000, 5.937e-07, 4.161866919252054e-5, -5.939670598862908e-10),
    (0.1, 1000, 0.0002662, 0.003766596335658863, -2.662843663050698e-7),
    (0.1, 1000, 0.009417, 0.01162590161403549, -9.376732315041068e-6),
    (0.3, 0.7, 1.664e-20, 2.548721193880389e-18, -3.565441089857375e-20),
    (0.3, 0.7, 0.000772, 0.01948801761968469, -0.001653405670330161),
    (0.3, 0.7, 0.1588, 1.127871861938855, -0.3069572143772798),
    (0.3, 0.7, 0.8541, 0.5583284717625451, -0.521710048286875),
    (1, 1, 1e-06, 1.381551055796427e-5, -9.999994999998333e-7),
    (1, 1, 0.1, 0.2302585092994046, -0.09482446409204368),
    (1, 1, 0.5, 0.3465735902799727, -0.3465735902799727),
    (1, 1, 0.9, 0.09482446409204365, -0.2302585092994045),
    (2, 5, 0.0002583, 0.0009446060585009341, -4.73490689053519e-5),
    (2, 5, 0.0926, 0.07830457157732809, -0.01618899163255256),
    (2, 5, 0.2644, 0.1149984314966207, -0.04160366284236733),
    (2, 5, 0.5103, 0.1058955940849279, -0.06478591790891987),
    (2, 5, 0.9556, 0.01263851258710374, -0.02639107060942505),
    (30, 0.1, 0.7262, 0.007855265343285446, -0.2843485326204578),
    (30, 0.1, 0.991, 0.0003031582509443244, -0.1264003136941649),
    (40, 40, 0.2513, 0.006555321010546467, -0.003851477154043237),
    (40, 40, 0.4285, 0.00666095526354178, -0.005770897617283497),
    (40, 40, 0.5, 0.006302342796961275, -0.006302342796961275),
    (40, 40, 0.5715, 0.005770897617283497, -0.00666095526354178),
    (40, 40, 0.7487, 0.003851477154043236, -0.006555321010546466),
    (1000, 0.01, 0.9929, 7.078234110436654e-6, -0.09064495807059224),
    (1000, 1000, 0.447, 0.0002613842729346115, -0.0002350271354551494),
    (1000, 1000, 0.4857, 0.0002535213772286052, -0.0002463725157085064),
    (1000, 1000, 0.5, 0.0002500833499976167, -0.0002500833499976167),
    (1000, 1000, 0.5143, 0.0002463725157085064, -0.0002535213772286052),
    (1000, 1000, 0.553, 0.0002350271354551494, -0.0002613842729346115),
]
STUDENT_T = [
    (0.1, -0.01, 0.4985193501389607, -0.006489108286949405),
    (0.1, -1, 0.4163282424952786, -0.5499682710645304),
    (0.1, -1.6, 0.3978159303171919, -0.7004745583969299),
    (0.1, -8, 0.3390042950949812, -1.135876820262385),
    (0.1, -1000, 0.2091856842546003, -1.710742492143572),
    (1, -0.01, 0.4968170072350917, -0.0006148391219756317),
    (1, -1, 0.25, -0.06620298046946172),
    (1, -1.6, 0.1778076844893527, -0.08967379639957351),
    (1, -8, 0.03958342416056554, -0.07510819961723421),
    (1, -1000, 0.0003183097800805589, -0.002137325657026155),
    (3.5, -0.01, 0.4962823562259621, -7.316778038227214e-5),
    (3.5, -1, 0.1906686267817228, -0.008406349696368866),
    (3.5, -1.6, 0.09743215348864599, -0.01133130619923947),
    (3.5, -8, 0.00113866322236024, -0.001277998783310763),
    (3.5, -1000, 5.628076064337054e-11, -3.323127982601971e-10),
    (39, -0.01, 0.4960361336048119, -6.5135261398586e-7),
    (39, -1, 0.1617374725856917, -7.851705424034107e-5),
    (39, -1.6, 0.05883470761520769, -0.0001030770311013946),
    (39, -8, 4.732761206223772e-10, -8.647828474490541e-11),
    (41, -0.01, 0.496034894232962, -5.895586118645359e-7),
    (41, -1, 0.1615880507729772, -7.108925133391635e-5),
    (41, -1.6, 0.05863857144744794, -9.330249844778516e-5),
    (41, -8, 3.31747252503246e-10, -5.730337905030274e-11),
    (300, -0.01, 0.4960139669794409, -1.107299055660553e-8),
    (300, -1, 0.1590582022153131, -1.34203946814405e-6),
    (300, -1.6, 0.05532556103232043, -1.75344186052067e-6),
    (300, -8, 1.367507695076921e-14, -1.239533194345973e-16),
    (10000, -0.01, 0.4960107434246779, -9.973806235719667e-12),
    (10000, -1, 0.1586673521652146, -1.209793128402315e-9),
    (10000, -1.6, 0.05481508661665902, -1.579470729243837e-9),
    (10000, -8, 6.910604364532691e-16, -7.234702739559451e-21),
]
VON_MISES = [
    (0, -0.005, 0.4992042252845405, -0.0007957713997356403),
    (0, -0.1, 0.4840845056908105, -0.01588898174509541),
    (0, -1, 0.3408450569081047, -0.1339242667005819),
    (0, -2.5, 0.1021126422702617, -0.09524980003694978),
    (0.01, -0.005, 0.4991962477431113, -0.000799730196874515),
    (0.01, -0.1, 0.4839252219719223, -0.01596762759504574),
    (0.01, -1, 0.3395040217113818, -0.1342811235230845),
    (0.01, -2.5, 0.1011620617910847, -0.09486531870067461),
    (1, -0.005, 0.4982914546758156, -0.0009458607162828184),
    (1, -0.1, 0.4658857891920841, -0.0188292164776261),
    (1, -1, 0.2056446925653165, -0.121716493385891),
    (1, -2.5, 0.03179048369438036, -0.04372997763663576),
    (30, -0.005, 0.4891220868250416, -0.0001828172371190324),
    (30, -0.1, 0.2928163454144197, -0.003151307913527365),
    (30, -1, 8.635761579943141e-8, -4.106703307887126e-8),
    (30, -2.5, 4.598601217384019e-25, -8.380648914412477e-25),
    (1000, -0.005, 0.4371913857534511, -3.115133512972263e-5),
    (1000, -0.1, 0.0007873188994262299, -4.272020895995933e-6),
    (1000, -1, 3.398713433755374e-202, -1.564077085895357e-202),
    (10000, -0.005, 0.3085399226064777, -8.801763834474945e-6),
    (10000, -0.1, 7.957234062483759e-24, -4.014330522131842e-26),
]

DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
EVERY = [
    (gamma_derivative, 2),
    (gamma_derivative_reference, 2),
    (beta_derivatives, 3),
    (student_t_cdf, 2),
    (student_t_cdf_df_derivative, 2),
    (von_mises_cdf, 2),
]


def each_of(functions):
    names = [function.__name__ for function, _ in functions]
    return pytest.mark.parametrize(("function", "inputs"), functions, ids=names)


def rows_of(table, name):
    """One test for each value of the first column, on a tensor of that value's rows."""
    firsts = sorted({row[0] for row in table})
    groups = [
        torch.tensor([row for row in table if row[0] == first], dtype=torch.float64).T
        for first in firsts
    ]
    return pytest.mark.parametrize("rows", groups, ids=[f"{name}={first:g}" for first in firsts])


def tuple_of(result):
    return result if isinstance(result, tuple) else (result,)


def gamma_grid(dtype):
    """α log-spaced [71, 1] and x at the quantiles of 201 normal scores, 1e-6 to 1−1e-6."""
    concentration = torch.logspace(-3, 4, 71, dtype=dtype)[:, None]
    z = np.linspace(stats.norm.ppf(1e-6), -stats.norm.ppf(1e-6), 201)
    shape = concentration.double().numpy()
    below = stats.gamma.ppf(stats.norm.cdf(z), shape)
    above = stats.gamma.isf(stats.norm.sf(z), shape)
    x = torch.tensor(np.where(z < 0, below, above)).to(dtype)
    return concentration, x.clamp_min(torch.finfo(dtype).tiny)


def test_the_quadrature_resolves_a_plateau_with_an_edge_and_a_long_tail():
    """The hardest of its integrands: the beta's at small b; 32 nodes leave 2e-6 here."""
    edge = torch.linspace(0, 5, 11, dtype=torch.float64)
    integral = integrate(lambda y: torch.sigmoid(edge - y), 0.0, edge + 38)
    assert_close(integral, torch.nn.functional.softplus(edge), rtol=1e-10, atol=0)


@rows_of(GAMMA, "concentration")
def test_gamma_reference_is_right_to_1e_12(rows):
    concentration, x, truth = rows
    assert_close(gamma_derivative_reference(concentration, x), truth, rtol=1e-12, atol=0)


@DTYPES
def test_gamma_default_is_right_to_5e_6_at_every_concentration_and_quantile(dtype):
    concentration, x = gamma_grid(dtype)
    truth = gamma_derivative_reference(concentration.double(), x.double())
    derivative = gamma_derivative(concentration, x)
    assert derivative.dtype == dtype
    # Among the subnormal numbers no relative error can be asked for.
    subnormal = torch.finfo(dtype).tiny
    assert_close(derivative.double(), truth, rtol=5e-6, atol=subnormal)


@DTYPES
def test_gamma_default_agrees_with_mpmath(dtype):
    table = torch.tensor(GAMMA, dtype=torch.float64)
    concentration, x, truth = table[table[:, 1] > 1e-30].T
    # Rounding x to float32 moves dx/dα by as much, relatively, or less.
    derivative = gamma_derivative(concentration.to(dtype), x.to(dtype))
    assert_close(derivative.double(), truth, rtol=6e-6, atol=0)


def test_gamma_default_is_nearer_the_truth_than_torch():
    concentration, x = gamma_grid(torch.float64)
    truth = gamma_derivative_reference(concentration, x)

    def worst(derivative):
        return (derivative / truth - 1).abs().max().item()

    theirs = worst(torch._standard_gamma_grad(concentration.expand_as(x), x))
    assert worst(gamma_derivative(concentration, x)) < theirs / 100


@pytest.mark.parametrize("derivative", [gamma_derivative, gamma_derivative_reference])
def test_gamma_of_concentration_1_is_continuous_where_x_meets_its_pivots(derivative):
    """λ = 1 is a 0/0 of the fast form, and log x = ψ(α+1) where the reference changes sides."""
    for pivot in (1.5, math.exp(1 - np.euler_gamma)):
        x = pivot * (1 + torch.tensor([-1e-9, 0, 1e-9], dtype=torch.float64))
        values = derivative(torch.ones(3, dtype=torch.float64), x)
        assert_close(values, values[1].expand(3), rtol=1e-8, atol=0)


@rows_of(BETA, "a")
def test_beta_is_right_to_1e_10(rows):
    a, b, x, *truth = rows
    assert_close(beta_derivatives(a, b, x), tuple(truth), rtol=1e-10, atol=0)


def test_beta_is_symmetric_under_exchange_of_its_two_ends():
    b = torch.logspace(-2, 3, 6, dtype=torch.float64)[:, None]
    a = b[:, None]
    x = torch.linspace(0.125, 0.875, 7, dtype=torch.float64)
    by_a, by_b = beta_derivatives(a, b, x)
    mirrored_b, mirrored_a = beta_derivatives(b, a, 1 - x)
    assert_close((-mirrored_a, -mirrored_b), (by_a, by_b), rtol=1e-12, atol=0)


@rows_of(STUDENT_T, "df")
def test_student_t_is_right_to_1e_10_in_the_tail_and_on_its_mirror_image(rows):
    df, z, cdf, by_df = rows
    closely = {"rtol": 1e-10, "atol": 0}
    assert_close(student_t_cdf(df, z), cdf, **closely)
    assert_close(student_t_cdf(df, -z), 1 - cdf, **closely)
    assert_close(student_t_cdf_df_derivative(df, z), by_df, **closely)
    assert_close(student_t_cdf_df_derivative(df, -z), -by_df, **closely)


@pytest.mark.parametrize("df", [0.1, 0.5, 1.0, 2.5, 9.0, 300.0])
def test_the_student_t_quantile_is_right_far_into_both_tails(df):
    lower = torch.logspace(-15, math.log10(0.499), 90, dtype=torch.float64)
    df = torch.tensor(df, dtype=torch.float64)
    wanted = torch.from_numpy(stats.t.ppf(lower.numpy(), float(df)))
    assert_close(student_t_quantile(df, lower), wanted, rtol=1e-12, atol=0)
    upper = 1 - lower[lower > 1e-3]
    wanted = torch.from_numpy(stats.t.ppf(upper.numpy(), float(df)))
    assert_close(student_t_quantile(df, upper), wanted, rtol=1e-11, atol=0)
    single = student_t_quantile(df.float(), lower[lower > 1e-7].float())
    assert single.dtype == torch.float32
    assert single.isfinite().all()
    assert student_t_quantile(df, torch.tensor(0.5, dtype=torch.float64)).abs() < 1e-15


@rows_of(VON_MISES, "concentration")
def test_von_mises_is_right_to_1e_10_in_the_tail_and_on_its_mirror_image(rows):
    concentration, x, cdf, by_concentration = rows
    closely = {"rtol": 1e-10, "atol": 0}
    assert_close(von_mises_cdf(concentration, x), (cdf, by_concentration), **closely)
    assert_close(von_mises_cdf(concentration, -x), (1 - cdf, -by_concentration), **closely)


@DTYPES
def test_symmetric_cdfs_are_one_half_at_0_and_the_circle_closes(dtype):
    zero, pi = torch.tensor([0.0, math.pi], dtype=dtype)
    parameter = torch.logspace(-1, 4, 6, dtype=dtype)
    half, one = torch.full_like(parameter, 0.5), torch.ones_like(parameter)
    none = torch.zeros_like(parameter)
    exactly = {"rtol": 0, "atol": 1e-15}
    assert_close(student_t_cdf(parameter, zero), half, **exactly)
    assert_close(student_t_cdf_df_derivative(parameter, zero), none, **exactly)
    assert_close(von_mises_cdf(parameter, zero), (half, none), **exactly)
    assert_close(von_mises_cdf(parameter, pi), (one, none), **exactly)
    assert_close(von_mises_cdf(parameter, -pi), (none, none), **exactly)


@each_of(EVERY[1:])  # the first works in the dtype of its inputs and is tested in both above
def test_float32_is_the_float64_value_rounded(function, inputs):
    parameters = [torch.tensor([0.3, 2.0, 70.0])[:, None]] * (inputs - 1)
    x = torch.tensor([0.05, 0.4, 0.9])
    single = tuple_of(function(*parameters, x))
    double = tuple_of(function(*(value.double() for value in (*parameters, x))))
    assert_close(single, tuple(value.float() for value in double), rtol=0, atol=0)


@DTYPES
@each_of(EVERY)
def test_inputs_broadcast_and_outputs_carry_no_graph(function, inputs, dtype):
    parameters = [torch.tensor([[0.3], [2.0], [70.0]], dtype=dtype, requires_grad=True)]
    parameters += [torch.tensor(1.5, dtype=dtype)] * (inputs - 2)
    x = torch.tensor([[[0.05, 0.4]], [[0.6, 0.9]]], dtype=dtype, requires_grad=True)
    whole = tuple_of(function(*parameters, x))
    each = tuple_of(function(*(value.expand(2, 3, 2) for value in (*parameters, x))))
    assert_close(whole, each, rtol=1e-6, atol=0)
    for value in whole:
        assert (value.shape, value.dtype, value.requires_grad) == ((2, 3, 2), dtype, False)


@DTYPES
@each_of(EVERY)
def test_extreme_inputs_give_finite_values(function, inputs, dtype):
    info = torch.finfo(dtype)
    parameters = torch.logspace(-1 if "student" in function.__name__ else -3, 4, 15, dtype=dtype)
    parameters = [parameters[:, None, None], parameters[:, None]][-(inputs - 1) :]
    edges = torch.tensor([0, info.smallest_normal, 1e-30, info.eps, 1 - info.eps, 1], dtype=dtype)
    beyond = torch.logspace(0, 8, 9, dtype=dtype)
    ends = torch.tensor([info.min, info.max], dtype=dtype)
    x = {
        beta_derivatives: edges,
        von_mises_cdf: torch.cat((edges, -edges, math.pi * edges)),
        student_t_cdf: torch.cat((edges, -beyond, ends)),
        student_t_cdf_df_derivative: torch.cat((edges, -beyond, ends)),
    }.get(function, torch.cat((edges, beyond)))
    for value in tuple_of(function(*parameters, x)):
        assert value.isfinite().all()


def test_gamma_derivative_works_under_vmap_and_grad():
    concentration, x = torch.tensor([0.3, 2.0, 70.0]), torch.tensor([0.05, 2.0, 60.0])

    def surrogate(concentration, x):
        return gamma_derivative(concentration, x) * concentration

    slopes = vmap(grad(surrogate))(concentration, x)
    assert_close(slopes, gamma_derivative(concentration, x))
