"""Jinja's compiler, so changed that values come onto a page for a third of the time, as the same text.

It is a subclass of what Jinja compiles templates with, and of names that Jinja does not document; elsewhere Jinja's own
environment is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from markupsafe import escape

from framework.adapters.markupsafe import replace_special
from framework.adapters.versions import is_plain

_OF_DICTS = frozenset(dir(dict))


def escaped(value: Any) -> str:
    """Return a value as text that is safe in HTML, as `markupsafe.escape` does.

    Raises:
        jinja2.UndefinedError: Nobody has given the value.
    """
    if type(value) is str:
        return replace_special(value)
    if hasattr(value, "__html__"):
        return escape(value)
    return replace_special(str(value))


class Code(CodeGenerator):
    """A writer of templates as Python that escapes with `escaped` and looks into dictionaries without a call."""

    def write_commons(self) -> None:
        """Begin a function of the template's module: in it, `escape` is what is called for each value."""
        super().write_commons()
        self.writeline("escape = environment.escaped")

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802 - Jinja calls it by that name
        """Write what becomes of ``name.attribute``."""
        if not isinstance(node.node, nodes.Name) or node.attr in _OF_DICTS:
            super().visit_Getattr(node, frame)
            return
        # PERF: rows are often dictionaries; a call for each cell would be a tenth of a page.
        name, key = frame.symbols.ref(node.node.name), repr(node.attr)
        self.write(f"({name}[{key}] if type({name}) is dict and {key} in {name} else ")
        super().visit_Getattr(node, frame)
        self.write(")")


class QuickEnvironment(jinja2.Environment):
    """Jinja's environment with quicker values."""

    code_generator_class = Code
    escaped = staticmethod(escaped)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return ``obj.attribute``, or ``obj["attribute"]`` if there is none."""
        # PERF: looking for a dictionary's attribute first would mean an exception for each key.
        if type(obj) is not dict or attribute in _OF_DICTS:
            try:
                return getattr(obj, attribute)
            except AttributeError:
                pass
        return self.getitem(obj, attribute)


_IS_PLAIN: Final = is_plain("Jinja2")

Environment: Final[type[jinja2.Environment]] = jinja2.Environment if _IS_PLAIN else QuickEnvironment


def pieces(template: jinja2.Template, values: Mapping[str, Any]) -> Iterator[str]:
    """Return the pieces of a page, each made when it is asked for; `reraise` what asking raises."""
    if _IS_PLAIN:
        return template.generate(values)
    # PERF: Template.generate() is one more generator around this one, for a tenth of the time.
    # And it would read the environment's names one by one through a ChainMap, for each page.
    context = template.new_context({**template.environment.globals, **values}, shared=True)
    return template.root_render_func(context)


def reraise(template: jinja2.Template, error: Exception) -> NoReturn:
    """Raise the error that is being handled, with the template's own lines in the traceback."""
    if not _IS_PLAIN:
        template.environment.handle_exception()
    raise error
