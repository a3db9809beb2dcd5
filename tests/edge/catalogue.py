"""Bad inputs as data: what is sent, byte by byte, and the status that answers it.

A family is an endpoint, a way to send, and the inputs that are refused there with one status.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

ORDER_ID = "8be9f7a4-1c2b-4c59-8d1f-5b1b0f8b9f11"
MULTIPART = "Content-Type: multipart/form-data; boundary=b"
URLENCODED = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"


class Case(NamedTuple):
    """One bad input.

    Attributes:
        name: What is wrong with it.
        data: The bytes of the whole connection.
        status: The status of the one response.
    """

    name: str
    data: bytes
    status: int


def request(line: str, *headers: str | bytes, body: bytes = b"", host: str = "Host: a") -> bytes:
    """Write a request that closes its connection; a body gets its length."""
    lines: list[str | bytes] = [line, *([host] if host else []), "Connection: close", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return (
        b"\r\n".join(each if isinstance(each, bytes) else each.encode() for each in [*lines, "", ""]) + body
    )


def get(target: str, *headers: str | bytes) -> bytes:
    return request(f"GET {target} HTTP/1.1", *headers)


def post(path: str, body: bytes, *headers: str | bytes) -> bytes:
    return request(f"POST {path} HTTP/1.1", *headers, body=body)


#: What is no JSON at all, wherever JSON is read.
NO_JSON: Sequence[bytes] = [
    *(
        b"{",
        b"[",
        b"}",
        b"]",
        b",",
        b":",
        b'"',
        b"'a'",
        b"nul",
        b"tru",
        b"fals",
        b"True",
        b"None",
        b"undefined",
    ),
    *(b"NaN", b"Infinity", b"-Infinity", b"-", b"+1", b"01", b"1.", b".5", b"1e", b"1e+", b"0x10", b"1_000"),
    *(b"{a:1}", b"{'a':1}", b'{"a"}', b'{"a":}', b'{"a":1,}', b'{"a":1 "b":2}', b'{"a" 1}', b"{1:2}", b"{,}"),
    *(b"[1,]", b"[,1]", b"[1 2]", b"[1,,2]", b"[1]]", b"{}{}", b"{} x", b"[] []", b"// c\n{}", b"/* c */{}"),
    *(b'"\\x41"', b'"\\u12"', b'"\\uD800"', b'"\\uDC00\\uD800"', b'"a\nb"', b'"a\tb"', b'"\x00"', b'"\x1f"'),
    *(
        b'"\xff"',
        b'"\xc0\xaf"',
        b'"\xed\xa0\x80"',
        b'"\xf4\x90\x80\x80"',
        b"\xff\xfe{\x00}\x00",
        b"\x00{}",
        b"{}\x00",
    ),
    *(b"[" * 65 + b"]" * 65, b'{"a":' * 65 + b"1" + b"}" * 65, b"[" * 5_000, b'{"a":' * 5_000),
    *(
        b"[" * 900 + b"]" * 900,
        b"9" * 30,
        b"-" + b"9" * 30,
        b"[18446744073709551616]",
        b"[-9223372036854775809]",
    ),
    *(
        b'{"a":' + b"1" * 400 + b"}",
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
        b"\xe2\x80\xa8{}",
        b"\xc2\xa0{}",
        b"\x0c{}",
        b"\x0b{}",
    ),
]
#: JSON that is no order, each in an object of its own.
NO_ORDERS: Sequence[bytes] = [
    *(
        b"{}",
        b"[]",
        b"1",
        b"true",
        b"null",
        b'"text"',
        b"[{}]",
        b'{"reference":"r"}',
        b'{"id":1}',
        b'{"":""}',
    ),
]
VALUES: Sequence[bytes] = [
    *(
        b"null",
        b"true",
        b"[]",
        b"{}",
        b"1.5",
        b"-1",
        b'""',
        b"[[]]",
        b'{"a":1}',
        b'"\\u0000"',
        b'"' + b"a" * 20_000 + b'"',
    ),
]
ORDER_FIELDS: Sequence[tuple[bytes, bytes]] = [
    (b"reference", b'"r"'),
    (b"id", b'"' + ORDER_ID.encode() + b'"'),
    (b"ordered_at", b'"2024-02-29T12:00:00Z"'),
    (b"lines", b"[]"),
]
IDS = [
    "1",
    "x",
    "0x1",
    ORDER_ID[:-1],
    ORDER_ID + "0",
    ORDER_ID.replace("-", "_"),
    "%00",
    "%20",
    "%C3%A9",
    "%FF",
]
NUMBERS = [
    *(
        "x",
        "1.0",
        "1e3",
        "0x1",
        "1_0",
        "+-1",
        "--1",
        "%D9%A1",
        "%EF%BC%91",
        "18446744073709551616",
        "-9223372036854775809",
    ),
    *(
        "9" * 5_000,
        "NaN",
        "inf",
        "true",
        "null",
        "%00",
        "%0A1",
        "1%00",
        "1%20",
        "%201",
        "1;2",
        "1,2",
        "%FF",
        "1'",
    ),
]
MOMENTS = ["x", "2024", "2024-02-30", "2024-13-01", "0000-01-01", "2024-1-1", "2024-01-01T00:00", "1", "%00"]
LIMITS = [*NUMBERS, "0", "-1", "101", "1000000"]
FORMS: Sequence[bytes] = [
    *(
        b"x",
        b"=",
        b"&",
        b"title",
        b"title=",
        b"title=%00",
        b"title=a&title=b",
        b"title=" + b"a" * 101,
        b"x=1",
    ),
    *(
        b"title=a&email=x",
        b"title=a&email=@",
        b"title=a&email=a@",
        b"title=a&email=a@b@c",
        b"title=a&document=x",
    ),
    *(b"title=a&unknown=1", b"title[]=a", b"title.x=a", b"%74itle%00=a"),
]
BAD_FORMS: Sequence[bytes] = [
    *(
        b"title=%ff",
        b"title=\xff",
        b"%ff=a",
        b"title=%c0%af",
        b"title=%ed%a0%80",
        b"&" * 200,
        b"a=1&" * 5_000,
    ),
]


def part(*headers: bytes, text: bytes = b"x") -> bytes:
    """Write one part of a multipart body with the boundary ``b``."""
    return b"--b\r\n" + b"\r\n".join([*headers, b""]) + b"\r\n" + text + b"\r\n"


def named(name: bytes, *headers: bytes, text: bytes = b"x", more: bytes = b"") -> bytes:
    return part(b'Content-Disposition: form-data; name="' + name + b'"' + more, *headers, text=text)


END = b"--b--\r\n"
#: What is no multipart body, wherever one is read.
NO_MULTIPART: Sequence[bytes] = [
    *(
        b"x",
        b"--",
        b"--b",
        b"--b\r\n",
        b"--a--",
        b"\r\n" * 400_000,
        b"\n" * 8_000,
        b"x" * 600_000,
        b"a\r\n" * 100 + END,
    ),
    *(part(), part(b"x"), part(b": y"), part(b"X Y: z"), part(b" X: z"), part(b"X: \x00"), part(b"X\x00: a")),
    named(b"title"),  # without its end
    named(b"title")[:-2],
    part(b'Content-Disposition: form-data; name="a' + b"b" * 9_000 + b'"') + END,
    part(b"Content-Disposition: form-data" + b";" * 8_100) + END,
    part(b"Content-Disposition: form-data; " + b"; ".join(b"a%d=" % n for n in range(900))) + END,
    part(b"Content-Disposition: form-data" + b"; =" * 2_000) + END,
    part(b'Content-Disposition: form-data; name="title"; name="title"') + END,
    part(b"Content-Disposition: form-data; name") + END,
    part(b'Content-Disposition: form-data; name="') + END,
    part(b"Content-Disposition: form-data; name*=utf-16''a") + END,
    part(b"Content-Disposition: form-data; name*=UTF-8''%ff") + END,
    part(b"Content-Disposition: form-data; name*=x") + END,
    part(b"Content-Disposition: ") + END,
    part(b'Content-Disposition: form-data; name="title"', *[b"X-A: " + b"a" * 1_000] * 20) + END,
    part(b'Content-Disposition: form-data; name="title"', *[b"X: a"] * 40) + END,
    part(b'Content-Disposition: form-data; name="title"', b"Content-Type: a/b" + b";" * 2_000) + END,
    b"".join(named(b"t%d" % n) for n in range(51)) + END,
    b"".join(named(b"t%d" % n) for n in range(199)) + END,
    named(b"_charset_", text=b"a" * 100) + END,
    named(b"_charset_", text=b"\xff") + END,
]
BAD_TARGETS = [
    *(
        "a",
        "//",
        "a/b",
        "http:",
        "http:///",
        "http://",
        "ftp://a/",
        "a:80",
        "*",
        "?",
        "/#",
        "/a#b",
        "/../",
        "/a/../b",
    ),
    *("/a/..", "/./a", "/.", "/..", "/%2e", "/%2e%2e/", "/a/%2E./b", "/.%2e/", "http://b/", "http://a@b/"),
]
BAD_HOSTS = [
    *(
        "a b",
        "a,b",
        "a/b",
        "a:b",
        "a:99999",
        "a:80:80",
        "a@b",
        "[::1",
        "::1",
        "[x]",
        "a%20b",
        "a\tb",
        "a?b",
        "a#b",
    ),
    *("http://a", "é", "a;b", "a'b", 'a"b', "a<b", "[::1]x", "a:-1", "a: 80", "[1:2]"),
]
BAD_LINES: Sequence[bytes] = [
    *(b"GET", b"GET / HTTP", b"GET / HTTP/", b"GET / HTTP/1", b"GET / HTTP/1.", b"GET / HTTP/x.y"),
    *(
        b"GET / http/1.1",
        b"GET / HTTP/1.1 x",
        b" GET / HTTP/1.1",
        b"GET\t/\tHTTP/1.1",
        b"G@T / HTTP/1.1",
        b"/ HTTP/1.1",
    ),
    *(
        b"GET /a b HTTP/1.1",
        b"GET /\x00 HTTP/1.1",
        b"GET /\x7f HTTP/1.1",
        b"\x16\x03\x01",
        b"\x00",
        b"PRI * HTTP/2.0",
    ),
    *(
        b"(GET) / HTTP/1.1",
        b"G\xc3\xa9T / HTTP/1.1",
        b"GET / XTTP/1.1",
        b"{} / HTTP/1.1",
        b"GET / HTTP/1.1\x00",
    ),
]
BAD_HEADERS: Sequence[bytes] = [
    *(
        b": a",
        b" X: a",
        b"X : a",
        b"X\t: a",
        b"X",
        b"X Y: a",
        b"X\x00: a",
        b"X: a\x00b",
        b"X: a\x01b",
        b"X(: a",
        b"X/: a",
    ),
    *(
        b"X\xc3\xa9: a",
        b"X@: a",
        b"[X]: a",
        b"X: a\r\n folded",
        b"X: a\r\n\tfolded",
        b"X: a\x7fb",
        b"\x0bX: a",
        b"X=Y: a",
    ),
    *(b"X: a\rY: b", b'"X": a', b"{X}: a", b"X;: a", b"X,: a", b"X?: a", b"X<: a", b"X\\: a"),
]
BAD_LENGTHS = [
    *(
        "-1",
        "+1",
        "1.0",
        "0x1",
        "1e1",
        "1_0",
        "a",
        "",
        " ",
        "1 1",
        "1,1",
        "1, 2",
        "1;",
        "18446744073709551616",
        "9" * 40,
    ),
    *("\u0661", "1\x00", "--1", "1 a", "'1'", '"1"', "0x", "0b1", "Infinity", "NaN"),
]
BAD_CODINGS = [
    *(
        "",
        " ",
        "\u212a",
        "chunked, identity",
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, chunked",
        "chunked;q=1",
        "x",
    ),
    *(
        "xchunked",
        "chunkedx",
        "chunked\x0b",
        "'chunked'",
        '"chunked"',
        "chunked,",
        ",chunked",
        "chu nked",
        "chunked gzip",
    ),
]
BAD_CHUNKS: Sequence[bytes] = [
    *(
        b"x\r\n",
        b"-1\r\n",
        b"+1\r\na\r\n",
        b"0x1\r\na\r\n",
        b"1 \r\na\r\n",
        b" 1\r\na\r\n",
        b"1\na\n0\n\n",
        b"\r\n",
    ),
    *(
        b"1\r\nab\r\n",
        b"1\r\na\n",
        b"1\r\naX\r\n",
        b"FFFFFFFFFFFFFFFFF\r\n",
        b"1;\x00\r\na\r\n",
        b"1\ra\r\n",
        b"g\r\n",
    ),
    *(
        b"1_0\r\n",
        b"1;a\nb\r\n",
        b"1,\r\na\r\n",
        b"\x00\r\n",
        b"1.0\r\na\r\n",
        b"\xd9\xa1\r\na\r\n",
        b"1\r\n\r\n\r\n\r\n",
    ),
]
CHARSETS = [
    "bogus",
    "punycode",
    "idna",
    "unicode_escape",
    "raw_unicode_escape",
    "zlib",
    "base64",
    "hex",
    "rot13",
    "utf-7",
]
MEDIA_TYPES = [
    "",
    "x",
    "text/plain",
    "application/xml",
    "application/x",
    "multipart/form-data",
    "a/b/c",
    "application/jsonx",
]
TOKENS = [
    *(
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer .",
        "Bearer ..",
        "Bearer a.b.c",
        "Bearer " + "a" * 4_000,
        "Bearer é",
    ),
    *(
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "Basic x",
        "Basic",
        "Digest x",
        "Bearer a b",
        "bearer a.b.c",
        "Bearer " + "." * 4_000,
    ),
    *("Bearer e30.e30.e30", "Bearer null", "Bearer %00", "Negotiate x", "x", "Bearer,", "Bearer=x"),
]
NOT_TEXT: Sequence[bytes] = [
    b"\xff",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"a\xffb",
    b"\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xc3",
    b"\xe2\x82",
]


def cases() -> Iterator[Case]:
    """Yield the catalogue."""
    yield from _json_cases()
    yield from _value_cases()
    yield from _form_cases()
    yield from _framing_cases()
    yield from _credential_cases()


def _family(name: str, status: int, sent: Iterator[bytes]) -> Iterator[Case]:
    yield from (Case(f"{name} {position}", data, status) for position, data in enumerate(sent))


def _json_cases() -> Iterator[Case]:
    for path in ("/orders", "/trees", "/tables", "/free", "/plain/json"):
        yield from _family(f"no JSON at {path}", 400, (post(path, body, JSON) for body in NO_JSON))
    for path in ("/orders", "/trees", "/tables"):
        yield from _family(f"another object at {path}", 422, (post(path, body, JSON) for body in NO_ORDERS))
    for wrong, _ in ORDER_FIELDS:
        members = [b'"%s":%s' % (name, good) for name, good in ORDER_FIELDS if name != wrong]
        fitting = {b"lines": {b"[]"}}.get(wrong, set())
        bodies = [
            b"{%s}" % b",".join([*members, b'"%s":%s' % (wrong, value)])
            for value in VALUES
            if value not in fitting
        ]
        yield from _family(f"wrong {wrong.decode()}", 422, (post("/orders", body, JSON) for body in bodies))
        yield Case(f"without {wrong.decode()}", post("/orders", b"{%s}" % b",".join(members), JSON), 422)
    for media_type in MEDIA_TYPES:
        yield Case(f"JSON as '{media_type}'", post("/orders", b"{}", f"Content-Type: {media_type}"), 415)
    for charset in CHARSETS:
        for path in ("/orders", "/plain/json"):
            yield Case(f"JSON in {charset} at {path}", post(path, b"{}", f"{JSON}; charset={charset}"), 415)
        yield Case(
            f"text in {charset}",
            post("/plain/text", b"a", f"Content-Type: text/plain; charset={charset}"),
            415,
        )
    yield from _family(
        "text", 400, (post("/plain/text", body, "Content-Type: text/plain") for body in NOT_TEXT)
    )
    for path in ("/orders", "/free", "/forms", "/plain/json", "/plain/text", "/plain/read"):
        media_type = URLENCODED if path == "/forms" else JSON
        yield Case(f"a long body at {path}", post(path, b"1" * (1 << 20) + b"1", media_type), 413)


def _value_cases() -> Iterator[Case]:
    yield from _family("no UUID", 422, (get(f"/items/{value}") for value in IDS))
    yield from _family("no number", 422, (get(f"/numbers/{value}") for value in NUMBERS))
    yield from _family(
        "no limit", 422, (get(f"/search?limit={value}") for value in LIMITS if value not in ("1%20", "%201"))
    )
    yield from _family("no date", 422, (get(f"/search?since={value}") for value in MOMENTS))
    yield from _family(
        "unknown", 422, (get(f"/search?{name}=1") for name in ("x", "Limit", "limit[]", "q%00", "__proto__"))
    )
    yield from _family("twice", 422, (get(f"/search?{name}=1&{name}=2") for name in ("q", "limit")))
    yield from _family(
        "no count", 422, (get("/seen", f"X-Count: {value}") for value in ("x", "1.5", "1,2", "9" * 30, "0x1"))
    )
    yield Case("a header twice", get("/seen", "X-Count: 1", "X-Count: 2"), 422)
    yield from _family("a name", 422, (get("/seen", b"X-Name: " + value) for value in NOT_TEXT))
    yield from _family("a theme", 422, (get("/seen", b"Cookie: theme=" + value) for value in NOT_TEXT))
    for path in (
        "/nothing",
        "/items",
        "/items/",
        "/numbers",
        "/ORDERS",
        "/orders/",
        "/static/x",
        "/.env",
        "/wp-login.php",
    ):
        yield Case(f"nothing at {path}", get(path), 404)
    for method in ("PUT", "DELETE", "PATCH"):
        for path in ("/", "/search", "/orders", "/plain/json"):
            yield Case(f"{method} {path}", request(f"{method} {path} HTTP/1.1"), 405)
    for method in ("TRACE", "CONNECT"):
        yield Case(method, request(f"{method} {'a:80' if method == 'CONNECT' else '/'} HTTP/1.1"), 405)
    for count in (300, 1_000, 8_000):
        for method in ("GET", "OPTIONS"):
            yield Case(f"{method} {count} slashes", request(f"{method} {'/' * count} HTTP/1.1"), 414)
    yield from _family("too long", 414, (get("/" + "a" * count) for count in (8_200, 20_000)))


def _form_cases() -> Iterator[Case]:
    yield from _family("another form", 422, (post("/forms", body, URLENCODED) for body in FORMS))
    for path in ("/forms", "/plain/post"):
        yield from _family(f"no form at {path}", 400, (post(path, body, URLENCODED) for body in BAD_FORMS))
    for path in ("/forms", "/plain/post", "/plain/multipart"):
        yield from _family(
            f"no multipart at {path}", 400, (post(path, body, MULTIPART) for body in NO_MULTIPART)
        )
        for boundary in ("", "; boundary=", "; boundary=" + "b" * 71, "; boundary=\u00e9", ";" * 300):
            media_type = f"Content-Type: multipart/form-data{boundary}"
            yield Case(
                f"boundary '{boundary[:20]}' at {path}", post(path, named(b"title") + END, media_type), 400
            )
        for place, body in (
            ("part", named(b"title", text=b"x" * 1_100_000) + END),
            ("epilogue", named(b"title") + END + b"x\r\n" * 400_000),
        ):
            yield Case(f"a long {place} at {path}", _chunked(path, body), 413)
    for value in NOT_TEXT:
        yield Case(f"name {value!r}", post("/forms", named(value) + named(b"title") + END, MULTIPART), 422)
        file = named(b"document", b"Content-Type: text/" + value, more=b'; filename="f"')
        yield Case(f"type {value!r}", post("/forms", named(b"title") + file + END, MULTIPART), 422)
    yield from _family(
        "no form",
        415,
        (post("/forms", b"{}", f"Content-Type: {each}") for each in MEDIA_TYPES if "form" not in each),
    )


def _chunked(path: str, body: bytes) -> bytes:
    head = request(f"POST {path} HTTP/1.1", MULTIPART, "Transfer-Encoding: chunked")
    return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def _framing_cases() -> Iterator[Case]:
    yield from _family(
        "target", 400, (get(target) for target in BAD_TARGETS if target != "*" and target != "//")
    )
    yield from _family("host", 400, (request("GET / HTTP/1.1", host=f"Host: {host}") for host in BAD_HOSTS))
    yield Case("no host", request("GET / HTTP/1.1", host=""), 400)
    yield Case("an empty host", request("GET / HTTP/1.1", host="Host:"), 400)
    yield Case("two hosts", request("GET / HTTP/1.1", "Host: b"), 400)
    yield from _family(
        "line", 400, (line + b"\r\nHost: a\r\n\r\n" for line in BAD_LINES if b"HTTP/2" not in line)
    )
    yield from _family("header", 400, (get("/", header) for header in BAD_HEADERS))
    for path in ("/plain/read", "/orders"):
        line = f"POST {path} HTTP/1.1"
        yield from _family(
            f"length at {path}",
            400,
            (request(line, f"Content-Length: {each}") + b"a" for each in BAD_LENGTHS),
        )
        yield Case(
            f"two lengths at {path}", request(line, "Content-Length: 1", "Content-Length: 2") + b"ab", 400
        )
        yield Case(
            f"both at {path}",
            request(line, "Content-Length: 1", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
            400,
        )
        sent = (request(line, JSON, "Transfer-Encoding: chunked") + chunk for chunk in BAD_CHUNKS)
        yield from _family(f"chunk at {path}", 400, sent)
    for coding in BAD_CODINGS:
        status = 501 if coding in ("gzip, chunked", ",chunked") else 400
        yield Case(
            f"coding {coding!r}", request("POST /free HTTP/1.1", f"Transfer-Encoding: {coding}"), status
        )
    for version in ("HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/3.0", "HTTP/9.9"):
        yield Case(version, request(f"GET / {version}"), 505)
    yield Case("HTTP/0.9 without a version", b"GET /\r\nHost: a\r\n\r\n", 505)
    for length in (8_193, 20_000, 60_000):
        yield Case(f"a header of {length}", get("/", "X-A: " + "b" * length), 431)
        yield Case(f"a name of {length}", get("/", "X" * length + ": b"), 431)
    yield Case("101 headers", get("/", *["X-A: b"] * 110), 431)
    yield Case("40 kB of headers", get("/", *["X-A: " + "b" * 4_000] * 10), 431)
    yield from _family(
        "expectation", 417, (get("/", f"Expect: {each}") for each in ("x", "200-ok", "100-continue, x"))
    )
    for coding in ("gzip", "deflate", "br", "x", "gzip, gzip"):
        yield Case(f"in {coding}", post("/plain/read", b"a", f"Content-Encoding: {coding}"), 415)


def _credential_cases() -> Iterator[Case]:
    yield from _family("token", 401, (get("/me", f"Authorization: {token}") for token in TOKENS))
    yield Case("two tokens", get("/me", "Authorization: Bearer a", "Authorization: Bearer b"), 401)
    for space in ("\u2000", "\u00a0", "\u0085", "\u3000", "\u2028"):
        yield Case(
            f"a session behind {space!r}",
            get("/me", f"Cookie: {space}session=a; {space}__Host-session=b"),
            401,
        )
    yield from _family(
        "session", 401, (get("/me", f"Cookie: session={each}") for each in ("", "x", "a" * 4_000, '"', "\\"))
    )
    yield Case("2,000 cookies", get("/me", "Cookie: " + "a=1;" * 2_000), 401)
