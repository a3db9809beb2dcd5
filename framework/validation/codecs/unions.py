"""Values of one of several types."""

from __future__ import annotations

from framework.validation.codecs.codec import Codec, DumpWriter, LoadWriter, dump_by_field
from framework.validation.unions import Union, by_class, kinds_of


def _load_union(w: LoadWriter, field: Union, value: str) -> None:
    """Write a branch for each type that JSON has, and in that of objects one look-up of their tag."""
    if field.text:
        _load_tried(w, field, value)
        return
    word = "if"
    for kind in dict.fromkeys(kind for each in field.members for kind in kinds_of(each)):
        found = [each for each in field.members if kind in kinds_of(each)]
        with w.out.block(f"{word} type({value}) is {kind.__name__}:"):
            if kind is dict and field.tag[0]:
                _load_tagged(w, field, value)
            elif len(found) == 1:
                w.value(found[0], value)
            else:
                _load_tried(w, field, value)
        word = "elif"
    w.out.line("else: raise Fallback")


def _load_tagged(w: LoadWriter, field: Union, value: str) -> None:
    key, table = field.tag
    numbers = {tag: field.objects.index(each) for tag, each in table.items()}
    tag = w.out.fresh("tag")
    w.out.line(f"{tag} = {value}[{key!r}]")
    w.out.refuse_if(f"type({tag}) is not str and type({tag}) is not int")
    w.out.line(f"{tag} = {w.out.constant(numbers, 'tags')}[{tag}]")
    for number, each in enumerate(field.objects):
        with w.out.block(f"{'elif' if number else 'if'} {tag} == {number}:"):
            w.value(each, value)


def _load_tried(w: LoadWriter, field: Union, value: str) -> None:
    w.anything_goes()
    w.out.line(f"{value} = {w.out.constant(field, 'union')}._deserialize({value}, None, None)")


def _dump_union(w: DumpWriter, field: Union, value: str) -> None:
    word = "if"
    # NOTE: what is not exact converts: it has a scalar written by the member that may, not by the first of its class.
    for kind, each in by_class(field.members if w.exact else field.objects).items():
        with w.out.block(f"{word} type({value}) is {w.out.constant(kind, kind.__name__)}:"):
            w.value(each, value)
        word = "elif"
    with w.out.block(f"{word} {value} is not None:"):
        if w.exact:
            w.out.line("raise Fallback")  # which of the types it is, the walk by the annotation knows
        else:
            dump_by_field(w, field, value)


CODECS: tuple[Codec, ...] = (Codec(fields=(Union,), load=_load_union, dump=_dump_union, is_plain=False),)
