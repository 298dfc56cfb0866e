"""Pieces of an installed package's source, compiled without importing the package."""

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata, util
from pathlib import Path
from typing import Any

import torch


class TrainerError(ValueError):
    """A trainer that is not installed, or whose loss stands where nobody looked: one sentence."""


@dataclass(frozen=True)
class Package:
    """An installed package, of which `tried` is the version that its adapter was written for."""

    name: str
    tried: str

    @cached_property
    def folder(self) -> Path:
        """Where its files are; TrainerError if it is not installed."""
        spec = util.find_spec(self.name)
        if spec is None or not spec.submodule_search_locations:
            raise TrainerError(
                f"{self.name} is not installed; `pip install --no-deps {self.name}` is enough for "
                "an audit of its loss."
            )
        return Path(next(iter(spec.submodule_search_locations)))

    @property
    def note(self) -> str:
        """The version, and that it was not tried if it is another one."""
        version = metadata.version(self.name)
        untried = "" if version == self.tried else f" (untried; the adapter knows {self.tried})"
        return f"{self.name} {version}{untried}"

    def tree(self, path: str) -> ast.Module:
        """The syntax tree of one of its files."""
        try:
            return ast.parse((self.folder / path).read_text(encoding="utf-8"))
        except OSError:
            raise self.moved(path) from None

    def function(self, path: str, name: str) -> ast.FunctionDef:
        """The function or method of that name."""
        for node in ast.walk(self.tree(path)):
            if isinstance(node, ast.FunctionDef) and node.name == name:
                node.decorator_list = []
                return node
        raise self.moved(f"{name} in {path}")

    def statement(self, path: str, test: str, assigns: str) -> ast.If:
        """The `if` with that test whose branches assign a name."""
        for node in ast.walk(self.tree(path)):
            if isinstance(node, ast.If) and ast.unparse(node.test) == test:
                stored = (n for n in ast.walk(node) if isinstance(n, ast.Name))
                if any(n.id == assigns and isinstance(n.ctx, ast.Store) for n in stored):
                    return node
        raise self.moved(f"the computation of {assigns} in {path}")

    def defaults(self, path: str, cls: str) -> dict[str, Any]:
        """The plain defaults of a dataclass, by field."""
        for node in ast.walk(self.tree(path)):
            if isinstance(node, ast.ClassDef) and node.name == cls:
                return dict(_fields(node))
        raise self.moved(f"{cls} in {path}")

    def moved(self, what: str) -> TrainerError:
        """That something is not where it was in the version that was tried."""
        return TrainerError(
            f"{self.note} has no {what}, where {self.name} {self.tried} has it; install that "
            "version, or audit a function of a batch that calls its loss."
        )


def compiled(nodes: list[ast.stmt], names: dict[str, Any], file: str) -> dict[str, Any]:
    """The namespace after running some statements with these names in it."""
    module = ast.fix_missing_locations(ast.Module(body=nodes, type_ignores=[]))
    exec(compile(module, file, "exec"), names)
    return names


def as_function(
    body: list[ast.stmt], arguments: str, returned: str, names: dict[str, Any], file: str
) -> Callable[..., Any]:
    """A function of `arguments` that runs statements and returns the value of a name."""
    made = ast.parse(f"def made({arguments}):\n    return {returned}").body[0]
    made.body = [*body, *made.body]
    return compiled([made], names, file)["made"]


@contextmanager
def in_double() -> Iterator[None]:
    """Where a trainer divides integers, its formula in float64 instead of float32's rounding."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


class Doubles(torch.Tensor):
    """Numbers that stay in float64 where a trainer casts them to float32, as in x.float()."""

    def float(self, *_: Any, **__: Any) -> torch.Tensor:
        """These numbers; of truth values, ones and zeros."""
        return self if self.is_floating_point() else self.double()


def _fields(cls: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    for node in cls.body:
        if not isinstance(node, ast.AnnAssign) or node.value is None:
            continue
        value = node.value
        if isinstance(value, ast.Call):  # field(default=…)
            value = next((k.value for k in value.keywords if k.arg == "default"), None)
        try:
            yield node.target.id, ast.literal_eval(value)
        except (ValueError, TypeError):
            continue
