"""A child that answers what cannot be read is ended, and the next call is answered."""

import math
import os

import pytest

from benchmarks.running.child_process import Child, ChildDied

A_LENGTH_OF_GIGABYTES = b"nonsense"
A_SHORT_MESSAGE = b"\0\0\0\x04oops"


@pytest.mark.parametrize("answer", [A_LENGTH_OF_GIGABYTES, A_SHORT_MESSAGE])
def test_what_is_no_answer_ends_the_child(answer):
    child = Child((), 2.0)
    assert child.call(math.sqrt, 4.0) == 2.0
    with pytest.raises(ChildDied, match="answered with what is no measurement"):
        child.call(os.write, int(child.process.args[4]), answer)
    assert child.process is None
    assert child.call(math.sqrt, 9.0) == 3.0
    child.kill()
