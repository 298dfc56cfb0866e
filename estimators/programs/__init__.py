"""Programs: functions that draw by name, with an estimator at each node."""

from estimators.programs.draws import ModelError
from estimators.programs.joint import Joint
from estimators.programs.notation import create
from estimators.programs.strategies import Strategies, surrogate

__all__ = ["Joint", "ModelError", "Strategies", "create", "surrogate"]
