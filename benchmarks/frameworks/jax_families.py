"""Families of NumPyro and TFP, or of JAX functions that return a distribution of theirs."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.frameworks.circles import CIRCLES, from_the_end
from benchmarks.frameworks.foreign_law import ForeignLaw, law_class
from benchmarks.frameworks.numpyro_calls import NumPyro
from benchmarks.frameworks.tfp_calls import TFP
from estimators import Unsupported, capabilities
from estimators.jax_arrays import (
    JaxFunction,
    Mapped,
    jax_module,
    key_of,
    key_words,
    precision_of,
    sentences,
    to_jax,
)


class JaxFamily:
    """λ → the law that `target` builds of it in JAX, as a distribution of torch.

    - `target`: a class of numpyro.distributions or of TFP's JAX substrate, or a JAX function of
      λ, by keywords, that returns one of their distributions.
    - `constants`: further keywords that are no λ, as they are.
    - `own_axes`: of each parameter, how many of its axes are not of the batch; those that the
      class states are known.

    Calling it takes tensors by name, with any number of leading axes. Samples take one JAX key
    for each element of the batch from torch's stream. Derivatives are those of `jax.vjp`; what
    JAX does not differentiate is no piece of the law.
    Raises JaxError with a sentence where JAX cannot trace the target, Unsupported where a parameter
    is a whole number, TypeError where it returns something else.
    """

    def __init__(
        self,
        target: Callable[..., Any],
        constants: Mapping[str, Any] | None = None,
        own_axes: Mapping[str, int] | None = None,
    ):
        self.target, self.constants = target, dict(constants or {})
        self.own_axes = dict(own_axes or {})
        self._classes: dict[tuple[str, ...], type[ForeignLaw]] = {}

    @property
    def label(self) -> str:
        """The target's name in messages."""
        return getattr(self.target, "__name__", type(self.target).__name__)

    def __call__(self, **parameters: Tensor) -> Distribution:
        names = tuple(parameters)
        if names not in self._classes:
            with torch.no_grad():
                self._classes[names] = _law_class(self, parameters)
        return capabilities.complete(self._classes[names](parameters))

    def build(self, names: tuple[str, ...], arrays: tuple) -> Any:
        """The foreign distribution, of arrays by position; inside a JAX function."""
        jnp = jax_module().numpy
        dtype = jnp.result_type(*arrays)
        fixed = {
            name: jnp.asarray(value, dtype) if isinstance(value, float | list) else value
            for name, value in self.constants.items()
        }
        return self.target(**fixed, **dict(zip(names, arrays, strict=True)))


def jax_family(target: Callable[..., Any], **settings) -> JaxFamily:
    """`target` as a family; a decorator for JAX functions that return a distribution.

    `settings` are the other arguments of `JaxFamily`, `constants` and `own_axes`.
    """
    return JaxFamily(target, **settings)


def framework_of(dist: Any) -> type[NumPyro] | type[TFP] | None:
    """Whose distribution it is, by the modules of its classes."""
    places = {base.__module__.partition(".")[0] for base in type(dist).__mro__}
    known = {"numpyro": NumPyro, "tensorflow_probability": TFP}
    return next((calls for place, calls in known.items() if place in places), None)


def _law_class(family: JaxFamily, parameters: Mapping[str, Tensor]) -> type[ForeignLaw]:
    """The class of the laws of `family` with these names, from a trial at one element of λ."""
    names, tensors = tuple(parameters), [v.detach() for v in parameters.values()]
    with precision_of(tensors), sentences(family.label):
        whole = _built(family, names, tensors)
        calls = framework_of(whole)
        if calls is None:
            raise TypeError(
                f"{family.label} returned {type(whole).__name__}; a JAX family returns a "
                "distribution of numpyro or of tensorflow_probability.substrates.jax."
            )
        stated = calls.constraints(whole)
        _check_whole_numbers(family.label, names, stated)
        axes = {n: family.own_axes.get(n, stated.get(n, (0, None))[0]) for n in names}
        single = [t[(0,) * (t.ndim - axes[n])] for n, t in zip(names, tensors, strict=True)]
        one = _built(family, names, single)
        if tuple(one.batch_shape):
            raise TypeError(
                f"{family.label} has batch_shape {tuple(one.batch_shape)} for one element of its "
                "parameters; say by `own_axes` which of their axes are not of the batch."
            )
        trial = _Trial(family, names, calls, single, one)
        pieces, support = trial.pieces(), trial.support()
    known = {n: stated[n][1] for n in names if stated.get(n, (0, None))[1] is not None}
    origin = family.target if isinstance(family.target, type) else type(one)
    return law_class(origin, pieces, axes, known, support, tuple(one.event_shape))


def _check_whole_numbers(label: str, names: tuple[str, ...], stated: Mapping) -> None:
    """Unsupported for a λ that is a whole number by what its class states."""
    for name in names:
        if getattr(stated.get(name, (0, None))[1], "is_discrete", False):
            raise Unsupported(
                f"{name} of {label} is a whole number, in which nothing can be differentiated; "
                f"make it a constant, as with --constant {name}=6 or jax_family({label}, "
                f"constants={{{name!r}: 6}})."
            )


def _built(family: JaxFamily, names: tuple[str, ...], tensors: list[Tensor]) -> Any:
    """The foreign distribution of tensors, traced and not computed: its numbers are none."""
    found = []
    jax_module().eval_shape(
        lambda arrays: found.append(family.build(names, arrays)), tuple(map(to_jax, tensors))
    )
    return found[0]


class _Trial:
    """What a law can do, tried on one element of the batch; only its ends are computed.

    `one` was traced: it is asked for shapes and kinds alone.
    """

    def __init__(self, family: JaxFamily, names: tuple, calls: Any, single: list, one: Any):
        self.family, self.names, self.calls, self.one = family, names, calls, one
        self.single, self.arrays = single, tuple(map(to_jax, single))
        self.draws: Mapped | None = None

    def pieces(self) -> dict[str, Callable]:
        """The methods that the law has."""
        found = {"sample": torch.no_grad()(self._sampler())}
        if self.calls.reparameterised(self.one):
            found["rsample"] = self._sampler()
        for name in ("log_prob", "cdf", "icdf"):
            if self._has(getattr(self.calls, name)):
                found[name] = self._of_value(name)
        if type(self.one).__name__ in CIRCLES and "cdf" in found:
            found["cdf"] = from_the_end(found["cdf"])
        return found

    def support(self) -> Any:
        """A constraint, a property where the ends move with λ, or None."""
        calls, one = self.calls, self.one
        if tuple(one.event_shape) or calls.discrete(one):
            return calls.support(one, None, None)
        ends = JaxFunction(self._ends, f"the support of {self.family.label}")
        leaves = [t.clone().requires_grad_() for t in self.single]
        with torch.enable_grad():
            found = [end if end.isfinite() else None for end in ends(*leaves)]
            known = [end for end in found if end is not None]
            slopes = [torch.autograd.grad(end, leaves, retain_graph=True) for end in known]
        if not any(slope.any() for each in slopes for slope in each):
            return calls.support(one, *(None if end is None else float(end) for end in found))

        def moved(law):
            now = ends(*law.parameters)
            return calls.support(one, *(None if e is None else n for e, n in
                                        zip(found, now, strict=True)))  # fmt: skip

        return property(moved)

    def _ends(self, *arrays) -> tuple:
        """The ends of a univariate support, infinite where there is none."""
        low, high = self.calls.ends(self.family.build(self.names, arrays))
        zero = sum((a * 0).sum() for a in arrays)
        return zero + (-math.inf if low is None else low), zero + (
            math.inf if high is None else high
        )

    def _has(self, call: Callable) -> bool:
        """Whether the law has a piece that takes a value."""
        jax = jax_module()
        value = jax.ShapeDtypeStruct(tuple(self.one.event_shape), self.arrays[0].dtype)
        try:
            jax.eval_shape(lambda p, x: call(self.family.build(self.names, p), x),
                           self.arrays, value)  # fmt: skip
        except (NotImplementedError, AttributeError):
            return False
        except Exception:  # what cannot be traced is not there; a density must be
            if call is self.calls.log_prob:
                raise
            return False
        return True

    def _of_value(self, name: str) -> Callable:
        """The method `log_prob`, `cdf` or `icdf` of a value [*sample, *batch, *event]."""
        call = getattr(self.calls, name)

        def one(*given):
            *arrays, x = given
            found = call(self.family.build(self.names, tuple(arrays)), x)
            return (found.astype(jax_module().numpy.result_type(*arrays)),)

        mapped = Mapped(one, f"`{name}` of {self.family.label}")

        def piece(law, value):
            value = value.to(law.parameters[0])
            batch = value.shape[: value.ndim - len(law.event_shape)]
            batch = torch.broadcast_shapes(batch, law.batch_shape)
            x = value.expand((*batch, *law.event_shape)).reshape(-1, *law.event_shape)
            return mapped(*_rows(law, batch), x)[0].reshape(batch)

        return piece

    def _sampler(self) -> Callable:
        """The method `sample` or `rsample`: a JAX key for each sample, from torch's stream."""

        def one(words, *arrays):
            dist = self.family.build(self.names, arrays)
            drawn = self.calls.sample(dist, key_of(words), ())
            return (drawn.astype(jax_module().numpy.result_type(*arrays)),)

        if self.draws is None:
            self.draws = Mapped(one, f"the sampler of {self.family.label}")
        mapped = self.draws

        def piece(law, sample_shape=()):
            batch = (*sample_shape, *law.batch_shape)
            words = key_words(batch, law.parameters[0].device)
            x = mapped(words.reshape(-1, words.shape[-1]), *_rows(law, batch))[0]
            return x.reshape(*batch, *law.event_shape)

        return piece


def _rows(law: ForeignLaw, batch: tuple[int, ...]) -> list[Tensor]:
    """λ for each of `batch`, which ends in that of the law: each [N, *own axes]."""
    axes = law.own_axes.values()
    return [
        p.expand((*batch, *p.shape[p.ndim - own :])).reshape(-1, *p.shape[p.ndim - own :])
        for p, own in zip(law.parameters, axes, strict=True)
    ]
