"""From what a user names of another framework to a family, and the names of its parameters."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from estimators import unknown

JAX = ("numpyro", "tensorflow_probability")
SEVERAL = {  # laws of SciPy's of several numbers, and where they are found
    "dirichlet": "torch.distributions:Dirichlet",
    "dirichlet_multinomial": "numpyro.distributions:DirichletMultinomial",
    "invwishart": "tensorflow_probability.substrates.jax.distributions:InverseWishart",
    "multinomial": "torch.distributions:Multinomial",
    "multivariate_normal": "torch.distributions:MultivariateNormal",
    "multivariate_t": "numpyro.distributions:MultivariateStudentT",
    "vonmises_fisher": "tensorflow_probability.substrates.jax.distributions:VonMisesFisher",
    "wishart": "torch.distributions:Wishart",
}
HINTS = {"numpyro": "jax", "jax": "jax", "tensorflow_probability": "jax", "numpy": "", "scipy": ""}


def adapted(target: Any, constants: Mapping[str, Any] | None = None) -> Callable[..., Any] | None:
    """`target` as a family of torch distributions, or None where it is no framework's.

    - `target`: a generator of scipy.stats, frozen or not, or a class of its new distributions; a
      class or function of numpyro.distributions or of TFP's JAX substrate, or a subclass.
    - `constants`: its arguments that are no λ, by name.

    Raises ValueError for constants that it does not take, and with the way out for what of SciPy's
    cannot be taken over.
    """
    place = framework_of(target)
    if place == "scipy":
        return _of_scipy(target, constants)
    if place in JAX:
        from benchmarks.frameworks.jax_families import JaxFamily

        return JaxFamily(target, constants)
    return None


def adaptable(target: Any) -> bool:
    """Whether `target` is a framework's distribution, by the look of it."""
    return framework_of(target) is not None and (isinstance(target, type) or hasattr(target, "rvs"))


def framework_of(target: Any) -> str | None:
    """The framework that a class, an object or a function is of, by its modules."""
    cls = target if isinstance(target, type) else type(target)
    places = [base.__module__.partition(".")[0] for base in cls.__mro__]
    if inspect.isfunction(target):
        places.append(target.__module__.partition(".")[0])
    return next((place for place in places if place in ("scipy", *JAX)), None)


def _of_scipy(target: Any, constants: Mapping[str, Any] | None) -> Callable[..., Any] | None:
    from scipy.stats._distn_infrastructure import rv_frozen, rv_generic
    from scipy.stats._multivariate import multi_rv_frozen, multi_rv_generic

    from benchmarks.frameworks.scipy_families import ScipyFamily
    from benchmarks.frameworks.scipy_new_families import NewScipyFamily

    if isinstance(target, rv_generic | rv_frozen):
        return ScipyFamily(target, constants)
    if isinstance(target, type) and hasattr(target, "logpdf") and hasattr(target, "icdf"):
        return NewScipyFamily(target, constants)
    if isinstance(target, type) and issubclass(target, rv_generic):
        name = target.__name__
        raise ValueError(
            f"{name} is a class; SciPy's distributions are its objects: write "
            f"{name.lower()} = {name}(a=0, b=1, name={name.lower()!r}), a and b being the ends of "
            "its support if it has any, and give that."
        )
    if isinstance(target, multi_rv_generic | multi_rv_frozen):
        raise ValueError(_of_several(type(target).__name__))
    return None


def _of_several(kind: str) -> str:
    """The sentence about a law of SciPy's of several numbers, by the name of its class."""
    name = kind.removesuffix("_gen").removesuffix("_frozen")
    there = SEVERAL.get(name)
    way = f"take {there}" if there else "write it as a class with `sample` and `log_prob` in torch"
    return (
        f"scipy.stats.{name} is a law of several numbers, and of SciPy's only those of one number "
        f"are taken over; {way}."
    )


def check_names(family: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """ValueError with a sentence for the first name that is no parameter of a family."""
    known = names_of(family)
    for name in given:
        if known is not None and name not in known:
            raise ValueError(unknown(f"parameter of {family.label}", name, known))


def names_of(family: Callable[..., Any]) -> list[str] | None:
    """The parameters that a family of a framework takes, or None where anything goes."""
    if hasattr(family, "names"):
        return family.names
    wanted = inspect.signature(family.target).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in wanted):
        return None
    own = {"validate_args", "allow_nan_stats", "name"}
    return [p.name for p in wanted if p.name not in own]


def install_hint(module: str) -> str:
    """How to install what the module belongs to, as the end of a sentence; or nothing."""
    root = module.partition(".")[0]
    extra = HINTS.get(root)
    return f"; install it with pip install 'gradmeter[{extra}]'" if extra else ""
