"""Who may import whom: floors point down, rooms as the tables say, and nothing goes in a circle.

Imports under TYPE_CHECKING do not count. Those inside a function count for who may import whom,
but not for circles: they are there to put an import off.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ABOVE = {
    "estimators": {"benchmarks", "reports", "gradmeter", "pandas", "scipy", "matplotlib"},
    "benchmarks": {"reports", "gradmeter", "matplotlib"},
    "reports": {"gradmeter", "estimators", "torch"},
}
MEASURES = {"machine", "measuring", "objective", "problems", "statistics", "store", "truth"}
ROOMS = {
    "benchmarks": {  # room: the rooms it may import from
        "c_loops": set(),
        "statistics": {"c_loops"},
        "store": set(),
        "frameworks": set(),
        "objective": {"frameworks"},
        "machine": {"c_loops", "statistics"},
        "truth": {"machine", "objective", "statistics", "store"},
        "validation": {"frameworks", "machine", "objective", "statistics", "truth"},
        "problems": {"machine", "objective", "truth"},
        "measuring": {
            "machine", "objective", "statistics", "store", "truth", "validation",
        },  # what is registered is not its business: it measures the problem it is given
        "calibration": {"machine", "measuring", "objective", "statistics"},
        "sequences": {"machine", "objective", "problems", "statistics", "store"},
        "training": {"machine", "measuring", "objective", "problems"},
        "running": MEASURES | {"validation"},
        "regression": MEASURES | {"running", "sequences"},
        "peers": MEASURES | {"frameworks", "regression", "running", "sequences"},
        "atlas": MEASURES | {"running"},
        "asv_canaries": MEASURES,
    },
    "estimators": {
        "capabilities": {"special"},
        "special": set(),
        "distributions": {"capabilities", "special"},
        "families": {"capabilities", "distributions", "special"},
        "combinatorial": {"capabilities", "distributions", "special"},
        "continuous": {"capabilities", "distributions"},
        "control_variates": {"capabilities"},
        "coupled": {"capabilities"},
        "exact": {"capabilities"},
        "multi_sample": {"capabilities", "continuous", "distributions"},
        "perturbation": {"capabilities"},
        "programs": {"capabilities", "control_variates"},
        "relaxed": {"capabilities"},
        "score_function": {"capabilities", "exact"},
    },
    "reports": {
        "text": set(),
        "frames": {"text"},
        "figures": {"frames", "text"},
        "exports": {"frames", "text"},
        "regression": {"figures", "frames", "text"},
        "pages": {"exports", "figures", "frames", "text"},
        "terminal": {"frames", "pages", "text"},
        "atlas": {"figures", "frames", "text"},
    },
}  # fmt: skip
RULES = [(package, room) for package, rooms in ROOMS.items() for room in rooms]


def imports(node: ast.AST, now: bool = True) -> Iterator[tuple[str, bool]]:
    """Each name that is imported under a node, and whether that is when the file is read."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    if isinstance(node, ast.Import):
        yield from ((alias.name, now) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from ((f"{node.module}.{alias.name}", now) for alias in node.names)
    now = now and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield from imports(child, now)


@cache
def imported(path: Path) -> list[tuple[str, bool]]:
    return list(imports(ast.parse(path.read_text())))


@cache
def modules(package: str) -> dict[str, Path]:
    """The modules of a package by their dotted name."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def within(package: str, name: str) -> Iterator[tuple[str, bool]]:
    """The modules of the same package that a module imports, and whether when it is read."""
    known = modules(package)
    for target, now in imported(known[name]):
        while target and target not in known:
            target = target.rpartition(".")[0]
        if target and target != name:
            yield target, now


def room(package: str, name: str) -> str | None:
    """The folder in which a module of a package stands, or the file where it stands in none."""
    inner = name.split(".")[1:]
    return inner[0] if inner else None


@pytest.mark.parametrize("floor", ABOVE)
def test_no_import_points_up(floor):
    for path in modules(floor).values():
        found = {name.split(".")[0] for name, _ in imported(path)}
        assert not found & ABOVE[floor], path


@pytest.mark.parametrize("package", ROOMS)
def test_every_room_has_its_rule(package):
    folders = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
    assert folders == set(ROOMS[package])


@pytest.mark.parametrize(("package", "inside"), RULES, ids=[f"{p}/{r}" for p, r in RULES])
def test_a_room_imports_only_what_its_rule_names(package, inside):
    mine = [name for name in modules(package) if room(package, name) == inside]
    found = {
        (name, target)
        for name in mine
        for target, _ in within(package, name)
        if room(package, target) in ROOMS[package]  # loose files are the face of a package
        and room(package, target) not in {inside, *ROOMS[package][inside]}
    }
    assert mine
    assert not found


@pytest.mark.parametrize("of", ["files", "rooms"])
@pytest.mark.parametrize("package", ROOMS)
def test_nothing_is_imported_in_a_circle(package, of):
    graph = {}
    for name in modules(package):
        targets = {target for target, now in within(package, name) if now}
        if of == "rooms":
            name, targets = room(package, name), {room(package, target) for target in targets}
        graph.setdefault(name, set()).update(targets - {name})
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as circle:
        pytest.fail(f"a circle: {' ← '.join(map(str, circle.args[1]))}")
    assert set(order) >= set(graph)


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import reports", {"torch", "estimators"}),
        ("import benchmarks.store.store", {"torch", "numpy", "pandas"}),
        ("import gradmeter", {"torch", "numpy", "pandas", "matplotlib", "rich"}),
        ("import estimators", {"pandas", "scipy", "matplotlib", "benchmarks"}),
        (  # a compiler, and libraries that load slowly for what is not needed of them
            "import benchmarks as b, benchmarks.problems; "
            'b.measure(b.problems.load("vae-digits-weights"), "reinforce-optimal", replicates=100)',
            {"torch._dynamo", "sklearn", "pandas"},
        ),
    ],
)
def test_nothing_heavy_comes_along(statement, absent):
    shown = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    assert not absent & set(done.stdout.split())
