"""Addresses and networks of the Internet Protocol."""

from __future__ import annotations

import ipaddress
from typing import Any

from marshmallow import fields

from framework.validation.codecs.codec import Codec, DumpWriter, LoadWriter, text_codec
from framework.validation.fields import IPNetwork


def _load_ip(w: LoadWriter, field: Any, value: str) -> None:
    guess = ipaddress.ip_interface if isinstance(field, fields.IPInterface) else ipaddress.ip_address
    w.out.refuse_if(f"type({value}) is not str")
    w.out.line(f"{value} = {w.out.constant(field.DESERIALIZATION_CLASS or guess, 'ip')}({value})")


def _dump_ip(w: DumpWriter, field: Any, value: str) -> None:
    w.out.line(f"if {value} is not None: {value} = {value}.{'exploded' if field.exploded else 'compressed'}")


CODECS = (
    Codec(fields=(fields.IP,), load=_load_ip, dump=_dump_ip),
    Codec(fields=(fields.IPv4,), load=_load_ip, dump=_dump_ip, json={ipaddress.IPv4Address: fields.IPv4}),
    Codec(fields=(fields.IPv6,), load=_load_ip, dump=_dump_ip, json={ipaddress.IPv6Address: fields.IPv6}),
    Codec(
        fields=(fields.IPInterface, fields.IPv4Interface, fields.IPv6Interface),
        load=_load_ip,
        dump=_dump_ip,
        json={
            ipaddress.IPv4Interface: fields.IPv4Interface,
            ipaddress.IPv6Interface: fields.IPv6Interface,
        },
    ),
    text_codec(
        IPNetwork,
        ipaddress.IPv4Network,
        ipaddress.IPv6Network,
        shape={"format": "ip-network", "pattern": r"^[0-9A-Fa-f:.]{2,45}(/[0-9.]{1,15})?$"},
    ),
)
