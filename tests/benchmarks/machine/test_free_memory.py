"""Sizes in words, and computations that are stopped before they take too much."""

import contextlib

import pytest
import torch

from benchmarks.machine.memory import (
    OverLimit,
    _most,
    bytes_of,
    free_memory,
    in_words,
    peak_within,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [("1GB", 10**9), ("1.5 gb", 1_500_000_000), ("2GiB", 2**31), ("500M", 5 * 10**8), (77, 77)],
)
def test_sizes(text, size):
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "0", "1PB", "lots", "1e400", None, True])
def test_what_is_no_size_is_named(text):
    with pytest.raises(ValueError, match="write for example 500MB"):
        bytes_of(text)


def test_a_size_in_words_is_never_less_than_the_size():
    for size in (999, 12_345, 1_000_000, 1_234_567_890, 10**12 + 1):
        assert bytes_of(in_words(size).replace("kB", "KB")) >= size


def test_some_memory_is_free():
    assert 10**6 < free_memory() < 2**62


@pytest.mark.parametrize(
    "computation",
    [
        lambda: torch.zeros(10**12),
        lambda: torch.randn(10**6, 10**6),
        lambda: torch.ones(10**6)[:, None] * torch.ones(10**6),
        lambda: [torch.zeros(10**5) for _ in range(100)],
        lambda: torch.zeros(1).expand(10**12).clone(),
        lambda: torch.ones(10**5, 1) @ torch.ones(1, 10**5),
        lambda: torch.ones(2, 10**5, 1) @ torch.ones(2, 1, 10**5),
        lambda: torch.nn.functional.linear(
            torch.ones(10**5, 2), torch.ones(10**5, 2), torch.ones(1)
        ),
        lambda: torch.ones(1000, 10).softmax(-1)[:, None] + torch.ones(1000, 1000, 10),
        lambda: torch.normal(torch.zeros(10**6, 1), torch.ones(10**6)),
        lambda: torch.cat([torch.ones(10**6)] * 10),
    ],
)
def test_what_would_be_too_much_is_stopped(computation):
    with pytest.raises(OverLimit) as over:
        peak_within(computation, 10**7)
    assert over.value.bytes > 10**7


def test_in_a_backward_pass_too():
    x = torch.ones(1000, requires_grad=True)

    def computation():
        y = x.expand(10**4, 1000).sum()
        torch.autograd.grad((y * x.expand(10**4, 1000).square()).sum(), x)

    with pytest.raises(OverLimit):
        peak_within(computation, 10**7)


def test_what_catches_everything_is_stopped_too():
    def computation():
        with contextlib.suppress(Exception):
            torch.zeros(10**12)

    with pytest.raises(OverLimit):
        peak_within(computation, 10**7)


def test_sizes_among_arguments_are_no_hindrance():
    assert peak_within(lambda: torch.arange(6).unfold(0, 2, 2).clone(), 10**7) >= 48


def test_the_peak_is_what_is_held_at_one_time():
    def computation():
        for _ in range(3):
            torch.zeros(1000, dtype=torch.float64) + 1.0

    assert peak_within(computation, 10**7) == 16_000


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("mm", (torch.ones(7, 2), torch.ones(2, 9))),
        ("bmm", (torch.ones(3, 7, 2), torch.ones(3, 2, 9))),
        ("addmm", (torch.ones(9), torch.ones(7, 2), torch.ones(2, 9))),
        ("add", (torch.ones(7, 1), torch.ones(9))),
        ("cat", ([torch.ones(7), torch.ones(9)],)),
        ("stack", ([torch.ones(7), torch.ones(7)],)),
        ("softplus_backward", (torch.ones(7), torch.ones(7), 1.0, 20.0)),
        ("_softmax", (torch.ones(7, 9), -1, False)),
        ("randint", (2**60, [7, 9])),
        ("outer", (torch.ones(7), torch.ones(9))),
    ],
)
def test_a_result_has_no_more_numbers_than_are_reckoned(name, args):
    packet = getattr(torch.ops.aten, name)
    func = packet.Tensor if name == "add" else packet.default
    size = func(*args).numel()
    assert size <= _most(func, args) <= 2 * size
