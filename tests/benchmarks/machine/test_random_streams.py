import numpy as np
import pytest
import torch

from benchmarks.machine.random_streams import _twister_state, stream, stream_key


def draw(key, count=5):
    with stream(key):
        return torch.rand(count, dtype=torch.float64)


def test_same_numbers_whatever_was_drawn_before():
    first = draw(stream_key("block", 0))
    torch.manual_seed(99)
    torch.randn(7)  # an odd number leaves a cached normal behind
    assert torch.equal(draw(stream_key("block", 0)), first)


def test_state_is_as_before_even_after_an_error():
    torch.manual_seed(3)
    torch.randn(7)
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError), stream(stream_key("x")):
        torch.rand(1000) @ torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("key", [0, 1, stream_key("a", 2), 2**128 - 1])
def test_torch_draws_what_numpy_draws_from_the_same_words(key):
    philox = np.random.Philox(key=np.frombuffer(key.to_bytes(16, "little"), np.uint64))
    twister = np.random.MT19937()
    words = philox.random_raw(312).view(np.uint32)
    twister.state = {"bit_generator": "MT19937", "state": {"key": words, "pos": 624}}
    with stream(key):
        ours = torch.empty(1000, dtype=torch.int32).random_()
    assert np.array_equal(ours.numpy(), twister.random_raw(1000) & 0x7FFFFFFF)


def test_distinct_keys_give_distinct_streams():
    parts = [("block", 0, "p", 1, i) for i in range(2000)]
    parts += [("fit", 0, "p", 1, 0), ("block", "0", "p", 1, 0), ("block", 2**32, "p", 1, 0)]
    assert len({tuple(draw(stream_key(*part), 2).tolist()) for part in parts}) == len(parts)


def test_keys_that_differ_above_32_bits_differ():
    assert not torch.equal(_twister_state(1), _twister_state(1 + 2**32))
    assert not torch.equal(_twister_state(1), _twister_state(1 + 2**100))


def test_numbers_are_uniform_over_first_draws():
    first = np.array([draw(stream_key(i), 1).item() for i in range(4000)])
    assert abs(first.mean() - 0.5) < 4 * np.sqrt(1 / 12 / 4000)
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 4 / np.sqrt(4000)
