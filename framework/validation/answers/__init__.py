"""Values that a handler returns: checked against what it declares while they are written."""

from framework.validation.answers.misfit import Misfit
from framework.validation.answers.writer import encode, show, writer_of

__all__ = ["Misfit", "encode", "show", "writer_of"]
