"""What others say about the same bytes: for doubt, and for tests."""

from __future__ import annotations

from explain.oracle.comparison import Difference, compare
from explain.oracle.single import Layer, second_opinion
from explain.oracle.tshark import tshark_fields

__all__ = ["Difference", "Layer", "compare", "second_opinion", "tshark_fields"]
