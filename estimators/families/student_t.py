"""Student-t: a cdf, with its derivative in the degrees of freedom, which torch lacks."""

from torch.distributions import StudentT

from estimators.families import capabilities
from estimators.families.capabilities import attach
from estimators.special import student_t_cdf, student_t_cdf_df_derivative


@capabilities.cdf.register(StudentT)
def _(dist, x):
    z = (x - dist.loc) / dist.scale
    df = dist.df.expand_as(z)
    density = dist.log_prob(x).exp() * dist.scale
    return attach(
        student_t_cdf(df, z), (z, density), (df, student_t_cdf_df_derivative(df, z.detach()))
    )
