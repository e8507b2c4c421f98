"""YAML text (or JSON, which YAML contains) as plain values, and every value's place in the file.

Every scalar is kept as it is written and the model says what it is: `NO` stays a country, `001` a
product and `50.00` an exact amount. What only an attack needs (anchors, tags, depth) is refused.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import yaml

from tombola.errors import Problem
from tombola.problems import Path, in_file

MAX_BYTES = 256 * 1024
MAX_DEPTH = 16
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where it is there: a file at the limit takes a second instead of half a minute."""
NOT_YAML = (
    (
        "mapping values are not allowed",
        (
            "a colon that cannot stand here",
            "`name: value` lines, evenly indented, with quotes around text with a colon",
        ),
    ),
    ("another document", ("a second document", "one document")),
    ("flow sequence", ("a list that is not closed", "`]` at its end")),
    ("flow mapping", ("a map that is not closed", "`}` at its end")),
    ("unknown escape", ("a backslash that means nothing", "single quotes, in which a backslash is only itself")),
    ("tab character", ("a tab", "spaces for indentation")),
    ("'\\t'", ("a tab", "spaces for indentation")),
    ("quoted scalar", ("quotes that are not closed", "the same quote at both ends")),
    ("cannot start any token", ("a character that begins no value", "spaces before it, or quotes around it")),
    ("block mapping", ("a line that does not continue the map above", "the indentation of its neighbours")),
    ("block collection", ("a line that does not continue the list above", "the indentation of its neighbours")),
    ("simple key", ("a line without a colon", "`name: value`")),
)
"""Signs of what both of yaml's parsers say, and what it means to somebody who writes a file."""
PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
"""How JSON escapes a character beyond the first 65,536: the one thing of it that YAML does not know."""
Plain = str | None | list["Plain"] | dict[str, "Plain"]


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column as an editor counts them, from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        """Return `line 3, column 5`."""
        return f"line {self.line}, column {self.column}"


START = Place(1, 1)


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file's values, the place of each by its path, and what is wrong with the text itself."""

    value: Mapping[str, Plain]
    places: Mapping[Path, Place] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def place(self, path: Path) -> Place:
        """Return the place of a path, or of its nearest parent in the file."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, START)

    def where(self, path: Path) -> str:
        """Return place and path as text: `line 3, column 5: pool.amount`."""
        return located(self.place(path), path)


def located(place: Place, path: Path = ()) -> str:
    """Return a place and a path as one text that can be printed: a field's name may hold a terminal's commands."""
    return f"{place}: {in_file(path)}" if path else str(place)


def read(text: bytes | str) -> ReadFile:
    """Read YAML. What cannot be read at all comes back as one problem and no values."""
    if len(text) > MAX_BYTES:
        return _unreadable(START, f"{len(text)} bytes", f"a file of at most {MAX_BYTES} bytes")
    try:
        return _read(text if isinstance(text, bytes) else text.encode())
    except UnicodeEncodeError:
        return _unreadable(START, "half a surrogate pair", "text that UTF-8 can hold")
    except UnicodeDecodeError as error:
        return _unreadable(_place_of_byte(error), f"byte {error.object[error.start]:#04x}", "text in UTF-8")
    except yaml.MarkedYAMLError as error:
        said = f"{error.context} {error.problem}"
        words = next(
            (words for sign, words in NOT_YAML if sign in said), ("text that is not YAML", "`name: value` lines")
        )
        return _unreadable(_place(error.problem_mark), *words)
    except yaml.reader.ReaderError as error:
        return _unreadable(START, f"character {error.character!r} at position {error.position}", "printable text")


def _read(data: bytes) -> ReadFile:
    text = data.decode("utf-8-sig")
    if text.lstrip().startswith("{"):
        text = PAIR.sub(_paired, text)
    hostile = next(_hostile(text), None)
    if hostile is not None:
        return ReadFile({}, problems=(hostile,))
    node = yaml.compose(text, LOADER)
    if isinstance(node, yaml.MappingNode):
        return _Composition().file(node)
    return _unreadable(START, "nothing" if node is None else _kind(node), "a mapping of field names to values")


def _paired(match: re.Match[str]) -> str:
    high, low = (int(digits, 16) for digits in match.group(2, 3))
    return match[1] + (high.to_bytes(2, "big") + low.to_bytes(2, "big")).decode("utf-16-be")


class _Composition:
    """Walks the nodes of one file, collecting places and problems."""

    def __init__(self) -> None:
        self.places: dict[Path, Place] = {}
        self.problems: list[Problem] = []

    def file(self, node: yaml.MappingNode) -> ReadFile:
        value = self._mapping(node, ())
        return ReadFile(value, self.places, tuple(self.problems))

    def _plain(self, node: yaml.Node, path: Path) -> Plain:
        self.places.setdefault(path, _place(node.start_mark))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, (*path, index)) for index, item in enumerate(node.value)]
        return None if node.tag == "tag:yaml.org,2002:null" else str(node.value)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Plain]:
        values: dict[str, Plain] = {}
        for key, value in node.value:
            place = _place(key.start_mark)
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            inner = (*path, name)
            if not name:
                self.problems.append(Problem(located(place, path), f"{_kind(key)} as a field name", "a name"))
            elif name in values:
                self.problems.append(Problem(located(place, inner), f"{name!r} a second time", "every field once"))
            else:
                self.places[inner] = place
                values[name] = self._plain(value, inner)
        return values


def _hostile(text: str) -> Iterator[Problem]:
    """Yield what no file of ours needs: aliases (which multiply), tags (which call) and great depth."""
    depth = 0
    for event in yaml.parse(text, LOADER):
        place = located(_place(event.start_mark))
        if isinstance(event, yaml.AliasEvent):
            yield Problem(place, f"the alias *{event.anchor}", "every value written out")
        elif (tag := getattr(event, "tag", None)) not in {None, "!"}:
            yield Problem(place, f"the tag {tag!r}"[:80], "plain values without tags")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                yield Problem(place, f"values nested deeper than {MAX_DEPTH}", "a flatter structure")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _unreadable(place: Place, found: str, expected: str) -> ReadFile:
    return ReadFile({}, problems=(Problem(located(place), found, expected),))


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.CollectionNode):
        return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
    return "a single value"


class _Mark(Protocol):
    """What both of yaml's parsers know of a place, counted from 0."""

    line: int
    column: int


def _place(mark: _Mark | None) -> Place:
    return START if mark is None else Place(mark.line + 1, mark.column + 1)


def _place_of_byte(error: UnicodeDecodeError) -> Place:
    before = bytes(error.object[: error.start])
    return Place(before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
