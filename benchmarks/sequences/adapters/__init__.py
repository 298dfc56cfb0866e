"""Trainers' own loss code, read from what is installed and called on tensors without a model.

A trainer's package is not imported, which would want its models, accelerators and servers: the
functions and statements that make up its loss are compiled from its source files, as they stand
there. Nothing of them is rewritten; what they ask of a trainer is answered by plain stand-ins.
"""
