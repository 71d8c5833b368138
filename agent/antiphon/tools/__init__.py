"""Spoken commands as calls: which tool a robot announced is asked for, if any, and with what."""

from antiphon.tools.call import Call, Result
from antiphon.tools.tool import Parameter, Tool

__all__ = ["Call", "Parameter", "Result", "Tool"]
