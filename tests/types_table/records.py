# ruff: noqa: E501 - a case is a line
"""Classes with fields."""

from __future__ import annotations

from tests.types_table.cases import FULL, RECORD, Case, record

PAGE = "@dataclass\nclass Page(Generic[U]):\n    items: list[U]\n    total: int = 0\n"
INTS = {"items": [1, 2], "total": 2}
TEXTS = [{"items": ["x"], "total": 2}, {"items": None}, {}]
CAT_DOG = (
    "@dataclass\nclass Cat:\n    kind: Literal['cat']\n    name: str\n"
    "@dataclass\nclass Dog:\n    kind: Literal['dog']\n    age: int\n"
)
CAT, DOG = {"kind": "cat", "name": "Tom"}, {"kind": "dog", "age": 3}
PETS = {"Cat('cat', 'Tom')": CAT, "Dog('dog', 3)": DOG}
NOT_PETS = [
    {"kind": "cow"},
    {"kind": "cat", "age": 3},
    {"kind": "dog", "age": "3"},
    {"name": "Tom"},
    1,
    "x",
    [],
]
TREE = {"value": 1, "children": [{"value": 2, "children": []}]}
NOT_TREES = [{"value": 1, "children": [{"value": "x"}]}, {"value": 1, "children": [1]}]
AB = {"T(1, 'y')": FULL, "T(1)": {"a": 1, "b": "x"}}
NOT_AB = [{}, {"a": "1"}, {"a": 1, "b": None}, {"a": 1, "c": 1}, [], "x", 1]


def generics() -> list[Case]:
    return [
        record("generic dataclass", PAGE, {"Page([1, 2], 2)": INTS}, TEXTS, annotation="Page[int]"),
        record(
            "generic, PEP 695",
            "@dataclass\nclass Page[X]:\n    items: list[X]\n    total: int = 0\n",
            {"Page([1, 2], 2)": INTS},
            TEXTS,
            annotation="Page[int]",
            since=(3, 12),
        ),
        record(
            "subclass of a generic",
            PAGE + "@dataclass\nclass T(Page[int]):\n    more: int = 0\n",
            {"T([1, 2], 2)": {**INTS, "more": 0}},
            TEXTS,
        ),
        record(
            "subclass of a generic's subclass",
            PAGE
            + "@dataclass\nclass Mid(Page[list[V]], Generic[V]):\n    mid: V | None = None\n"
            + "@dataclass\nclass T(Mid[int]):\n    pass\n",
            {"T([[1]], 2, 3)": {"items": [[1]], "total": 2, "mid": 3}},
            [{"items": [1]}, {"items": [[1]], "mid": "x"}],
        ),
        record(
            "two parameters",
            "@dataclass\nclass A(Generic[U]):\n    a: U\n@dataclass\nclass T(A[list[U]], Generic[U, V]):\n    b: V\n",
            {"T([1], 'x')": {"a": [1], "b": "x"}},
            [{"a": 1, "b": "x"}, {"a": ["1"], "b": "x"}, {"a": [1], "b": 1}],
            annotation="T[int, str]",
        ),
        record(
            "deep generic",
            PAGE + "@dataclass\nclass Box(Generic[V]):\n    inner: V\n",
            {"Page([Box(1)], 2)": {"items": [{"inner": 1}], "total": 2}},
            [{"items": [{"inner": "x"}]}, {"items": [1]}],
            annotation="Page[Box[int]]",
        ),
        record(
            "bare generic",
            PAGE,
            {"Page([1, 'x'], 2)": {"items": [1, "x"], "total": 2}},
            [{}],
            annotation="Page",
        ),
        record(
            "bare generic with a bound",
            "B = TypeVar('B', bound=int)\n@dataclass\nclass T(Generic[B]):\n    a: B\n",
            {"T(1)": {"a": 1}},
            [{"a": "x"}],
        ),
        record(
            "generic of a generic's union",
            PAGE,
            {"Page([1, 'x'], 2)": {"items": [1, "x"], "total": 2}},
            [{"items": [None]}, {"items": [1.5]}],
            annotation="Page[int | str]",
        ),
        record(
            "generic TypedDict",
            "class A(TypedDict, Generic[U]):\n    a: U\nclass T(A[int]):\n    b: NotRequired[str]\n",
            {"{'a': 1, 'b': 'x'}": {"a": 1, "b": "x"}, "{'a': 1}": {"a": 1}},
            [{"a": "x"}, {"b": "x"}],
        ),
    ]


def dataclasses_() -> list[Case]:
    return [
        record("dataclass", RECORD, AB, NOT_AB),
        record(
            "inheritance",
            "@dataclass\nclass A:\n    a: int\n@dataclass\nclass T(A):\n    b: str = 'x'\n",
            AB,
            NOT_AB,
        ),
        record(
            "kw_only",
            RECORD.replace("@dataclass", "@dataclass(kw_only=True)"),
            {"T(a=1, b='y')": FULL},
            NOT_AB,
        ),
        record("KW_ONLY", RECORD.replace("    a", "    _: KW_ONLY\n    a"), {"T(a=1, b='y')": FULL}, NOT_AB),
        record("slots", RECORD.replace("@dataclass", "@dataclass(slots=True)"), AB, NOT_AB),
        record("frozen", RECORD.replace("@dataclass", "@dataclass(frozen=True)"), AB, NOT_AB),
        record(
            "frozen, slots", RECORD.replace("@dataclass", "@dataclass(frozen=True, slots=True)"), AB, NOT_AB
        ),
        record(
            "InitVar",
            "@dataclass\nclass T:\n    a: int\n    times: InitVar[int] = 1\n"
            "    def __post_init__(self, times): self.a *= times\n",
            {"T(2, 3)": {"a": 2, "times": 3}, "T(2)": {"a": 2}},
            [{"a": 2, "times": "3"}, {"times": 3}],
            out={"T(2, 3)": {"a": 6}},
        ),
        record("ClassVar", RECORD + "    c: ClassVar[int] = 5\n", AB, [*NOT_AB, {"a": 1, "b": "x", "c": 1}]),
        record("Final", RECORD.replace("a: int", "a: Final[int]"), AB, NOT_AB),
        record(
            "default_factory",
            "@dataclass\nclass T:\n    a: list[int] = field(default_factory=list)\n",
            {"T([1])": {"a": [1]}, "T([])": {"a": []}},
            [{"a": ["x"]}, {"a": None}],
        ),
        record(
            "field(init=False)",
            "@dataclass\nclass T:\n    a: int\n    b: int = field(init=False)\n    def __post_init__(self): self.b = 7\n",
            {"T(1)": {"a": 1}},
            [{"a": 1, "b": 2}, {}],
            out={"T(1)": {"a": 1, "b": 7}},
        ),
        record(
            "__post_init__",
            RECORD + "    def __post_init__(self):\n        if self.a < 0: raise ValueError('no')\n",
            AB,
            NOT_AB,
        ),
        record(
            "a property that is Computed",
            "@dataclass\nclass T:\n    a: int\n    @property\n    def twice(self) -> Annotated[int, Computed]: return 2 * self.a\n",
            {"T(1)": {"a": 1}},
            [{"a": 1, "twice": 2}],
            out={"T(1)": {"a": 1, "twice": 2}},
        ),
        record(
            "a cached property that is Computed",
            "@dataclass\nclass T:\n    a: int\n    @cached_property\n    def twice(self) -> Annotated[int, Computed]: return 2 * self.a\n",
            {"T(1)": {"a": 1}},
            [{"a": 1, "twice": 2}],
            out={"T(1)": {"a": 1, "twice": 2}},
        ),
        record(
            "a field that is Computed",
            "@dataclass\nclass T:\n    a: int\n    b: Annotated[int, Computed] = 7\n",
            {"T(1)": {"a": 1}},
            [{"a": 1, "b": 2}],
            out={"T(1)": {"a": 1, "b": 7}},
        ),
        record(
            "in a function",
            "def made():\n    @dataclass\n    class T:\n        a: int\n        b: str = 'x'\n    return T\nT = made()\n",
            AB,
            NOT_AB,
        ),
    ]


def recursive() -> list[Case]:
    tree = "@dataclass\nclass T:\n    value: int\n    children: {0}\n"
    return [
        record("recursive", tree.format("list['T']"), {"T(1, [T(2, [])])": TREE}, NOT_TREES),
        record("Self", tree.format("list[Self]"), {"T(1, [T(2, [])])": TREE}, NOT_TREES),
        record(
            "recursive, optional",
            "@dataclass\nclass T:\n    a: int\n    next: 'T | None' = None\n",
            {"T(1, T(2))": {"a": 1, "next": {"a": 2, "next": None}}},
            [{"a": 1, "next": {"a": "x"}}],
        ),
        record(
            "recursive through a union",
            "@dataclass\nclass Num:\n    value: int\n@dataclass\nclass T:\n    left: 'T | Num'\n    right: 'Num | T'\n",
            {
                "T(Num(1), T(Num(2), Num(3)))": {
                    "left": {"value": 1},
                    "right": {"left": {"value": 2}, "right": {"value": 3}},
                }
            },
            [
                {"left": {"value": 1}},
                {"left": {"value": 1}, "right": {"value": "x"}},
                {"left": 1, "right": {"value": 1}},
            ],
        ),
        record(
            "mutually recursive",
            "@dataclass\nclass T:\n    a: int\n    b: 'list[B]' = field(default_factory=list)\n"
            "@dataclass\nclass B:\n    t: T | None = None\n",
            {"T(1, [B(T(2))])": {"a": 1, "b": [{"t": {"a": 2, "b": []}}]}},
            [{"a": 1, "b": [{"t": {"a": "x"}}]}],
        ),
        record(
            "recursive TypedDict",
            "class T(TypedDict):\n    a: int\n    more: NotRequired['list[T]']\n",
            {"{'a': 1, 'more': [{'a': 2}]}": {"a": 1, "more": [{"a": 2}]}},
            [{"a": 1, "more": [{}]}],
        ),
    ]


def unions() -> list[Case]:
    return [
        record("tagged dataclasses", CAT_DOG, PETS, NOT_PETS, annotation="Cat | Dog"),
        record(
            "list of tagged dataclasses",
            CAT_DOG,
            {"[Cat('cat', 'Tom')]": [CAT]},
            [[{"kind": "cow"}], [1]],
            annotation="list[Cat | Dog]",
        ),
        record(
            "tagged dataclasses or None",
            CAT_DOG,
            {**PETS, "None": None},
            NOT_PETS,
            annotation="Cat | Dog | None",
        ),
        record(
            "tagged TypedDicts",
            CAT_DOG.replace("@dataclass\n", "")
            .replace("Cat:", "Cat(TypedDict):")
            .replace("Dog:", "Dog(TypedDict):"),
            {repr(CAT): CAT, repr(DOG): DOG},
            NOT_PETS,
            annotation="Cat | Dog",
        ),
        record(
            "tagged by an Enum's members",
            "class K(Enum):\n    CAT = 'cat'\n    DOG = 'dog'\n"
            + CAT_DOG.replace("'cat'", "K.CAT").replace("'dog'", "K.DOG"),
            {"Cat(K.CAT, 'Tom')": CAT, "Dog(K.DOG, 3)": DOG},
            NOT_PETS,
            annotation="Cat | Dog",
        ),
        record(
            "tagged, with defaults",
            "@dataclass\nclass A:\n    x: int\n    k: Literal['a'] = 'a'\n@dataclass\nclass B:\n    x: int\n    k: Literal['b'] = 'b'\n",
            {"A(1)": {"x": 1, "k": "a"}, "B(1)": {"x": 1, "k": "b"}},
            [{"x": 1}, {"x": 1, "k": "c"}],
            annotation="A | B",
        ),
        record(
            "tagged by numbers",
            "@dataclass\nclass A:\n    v: Literal[1]\n@dataclass\nclass B:\n    v: Literal[2, 3]\n",
            {"A(1)": {"v": 1}, "B(3)": {"v": 3}},
            [{"v": 4}, {"v": "1"}, {"v": True}, {"v": 1.5}],
            annotation="A | B",
        ),
        record(
            "told apart by required fields",
            "@dataclass\nclass User:\n    name: str\n    email: str\n@dataclass\nclass Guest:\n    name: str\n",
            {"User('a', 'b')": {"name": "a", "email": "b"}, "Guest('a')": {"name": "a"}},
            [{"email": "b"}, {"name": 1}, {"name": "a", "email": 1}, {"name": "a", "other": 1}, {}],
            annotation="User | Guest",
        ),
        record(
            "TypedDicts told apart by required fields",
            "class User(TypedDict):\n    name: str\n    email: str\nclass Guest(TypedDict):\n    name: str\n",
            {"{'name': 'a', 'email': 'b'}": {"name": "a", "email": "b"}, "{'name': 'a'}": {"name": "a"}},
            [{"email": "b"}, {"name": 1}, {"name": "a", "other": 1}],
            annotation="User | Guest",
        ),
        record(
            "dataclass or text",
            RECORD,
            {**AB, "'x'": "x"},
            [{}, 1, None, []],
            annotation="T | str",
            text={"'x'": "x"},
        ),
        record(
            "dataclass or list of them",
            RECORD,
            {**AB, "[T(1, 'y')]": [FULL]},
            [{}, 1, [1]],
            annotation="T | list[T]",
        ),
        record(
            "type of a tagged union",
            CAT_DOG + "type Pet = Cat | Dog\n",
            PETS,
            NOT_PETS,
            annotation="Pet",
            since=(3, 12),
        ),
    ]


def others() -> list[Case]:
    return [
        record(
            "TypedDict",
            "class T(TypedDict):\n    a: int\n",
            {"{'a': 1}": {"a": 1}},
            [{}, {"a": "x"}, {"a": 1, "b": 1}],
        ),
        record(
            "TypedDict, total=False",
            "class T(TypedDict, total=False):\n    a: int\n",
            {"{'a': 1}": {"a": 1}, "{}": {}},
            [{"a": "x"}, {"b": 1}],
        ),
        record(
            "Required, NotRequired",
            "class T(TypedDict, total=False):\n    a: Required[int]\n    b: NotRequired[str]\n",
            {"{'a': 1}": {"a": 1}, "{'a': 1, 'b': 'x'}": {"a": 1, "b": "x"}},
            [{}, {"a": 1, "b": 1}],
        ),
        record(
            "ReadOnly",
            "class T(TypedDict):\n    a: ReadOnly[int]\n",
            {"{'a': 1}": {"a": 1}},
            [{}, {"a": "x"}],
            since=(3, 13),
        ),
        record(
            "NamedTuple",
            "class T(NamedTuple):\n    a: int\n    b: str = 'x'\n",
            {"T(1, 'y')": [1, "y"]},
            [[], ["1", "y"], [1, "y", 2], {"a": "1"}, {"b": "y"}, 1, "x"],
        ),
        record(
            "attrs class", "import attrs\n@attrs.define\nclass T:\n    a: int\n    b: str = 'x'\n", AB, NOT_AB
        ),
        record(
            "attrs class, frozen, keywords alone",
            "import attrs\n@attrs.frozen(kw_only=True)\nclass T:\n    a: int\n    b: str = 'x'\n",
            {"T(a=1, b='y')": FULL},
            NOT_AB,
        ),
        record(
            "attrs class with a validator and a factory",
            "import attrs\n@attrs.define\nclass T:\n    a: int = attrs.field(validator=attrs.validators.ge(0))\n"
            "    b: list[int] = attrs.Factory(list)\n",
            {"T(1, [2])": {"a": 1, "b": [2]}},
            [{"a": -1, "b": []}, {"b": []}],
        ),
        record(
            "generic attrs class",
            "import attrs\n@attrs.define\nclass T(Generic[U]):\n    a: U\n    b: 'list[T[U]]' = attrs.Factory(list)\n",
            {"T(1, [T(2)])": {"a": 1, "b": [{"a": 2, "b": []}]}},
            [{"a": "x"}, {"a": 1, "b": [{"a": "x"}]}],
            annotation="T[int]",
        ),
        record(
            "attrs class with private names and init=False",
            "import attrs\n@attrs.define\nclass T:\n    _a: int\n    b: int = attrs.field(init=False, default=7)\n",
            {"T(1)": {"a": 1}},
            [{"_a": 1}, {"a": 1, "b": 1}, {}],
            out={"T(1)": {"a": 1, "b": 7}},
        ),
        record(
            "msgspec Struct",
            "import msgspec\nclass T(msgspec.Struct, forbid_unknown_fields=True):\n    a: int\n    b: str = 'x'\n",
            AB,
            NOT_AB,
        ),
        record(
            "pydantic model",
            "import pydantic\nclass T(pydantic.BaseModel):\n    model_config = {'extra': 'forbid', 'strict': True}\n    a: int\n    b: str = 'x'\n",
            {"T(a=1, b='y')": FULL},
            NOT_AB,
        ),
        record(
            "pydantic dataclass",
            "import pydantic.dataclasses\n@pydantic.dataclasses.dataclass\nclass T:\n    a: int\n    b: str = 'x'\n",
            AB,
            NOT_AB,
        ),
        record(
            "SQLAlchemy mapped dataclass",
            "from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column\n"
            "class Base(MappedAsDataclass, DeclarativeBase): pass\n"
            "class T(Base):\n    __tablename__ = 't'\n    a: Mapped[int] = mapped_column(primary_key=True)\n    b: Mapped[str] = mapped_column(default='x')\n",
            {"T(1, 'y')": FULL},
            NOT_AB,
            answers=True,
        ),
        record(
            "SQLAlchemy mapped class",
            "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\nclass Base(DeclarativeBase): pass\n"
            "class T(Base):\n    __tablename__ = 't'\n    a: Mapped[int] = mapped_column(primary_key=True)\n    b: Mapped[str | None]\n",
            {"T(a=1, b='y')": FULL},
            NOT_AB,
            answers=True,
        ),
    ]


RECORDS = [*dataclasses_(), *generics(), *recursive(), *unions(), *others()]
