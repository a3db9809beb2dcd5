"""Pages: `@template("page.html")` on a handler that returns a mapping, or `render(...)` in one that answers itself."""

from framework.batteries.templates.battery import TemplateSettings, battery, render, template
from framework.batteries.templates.flashes import flash

__all__ = ["TemplateSettings", "battery", "flash", "render", "template"]
