"""What sees every operation of torch on its way, without loading torch's compiler."""

from torch.utils._python_dispatch import TorchDispatchMode


class DispatchMode(TorchDispatchMode):
    """A `TorchDispatchMode` whose operations are not marked as ones to leave uncompiled.

    That mark, which torch 2.13 sets by itself, imports the compiler at the first operation, 2 to
    3 s of processor time, and adds a call to each. Nothing here runs in what is compiled.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False
