"""Problems: every error becomes a problem document (RFC 9457), a shape of the service's own, or a browser's page."""

from framework.batteries.problems.battery import ProblemsSettings, battery
from framework.batteries.problems.judging import Blame, is_sendable, judge
from framework.batteries.problems.translation import Translations
from framework.problem import Renderer

__all__ = ["Blame", "ProblemsSettings", "Renderer", "Translations", "battery", "is_sendable", "judge"]
