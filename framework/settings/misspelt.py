"""Variables that look like settings and are none, each with the setting that is probably meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

_SHORTEST = 5


def misspelt(names: Iterable[str], known: Collection[str], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each name that is a slip away from a setting, and the setting.

    A slip is a letter too many, too few, wrong, or changed with its neighbour; there may be one in each word of a name.
    An environment is full of the variables of others, so nothing that is further away is spoken of.

    Args:
        names: Variables that are set.
        known: The settings.
        prefix: What stands before each setting.
    """
    by_words: dict[int, list[str]] = {}
    for setting in sorted(known):
        if len(setting) - len(prefix) >= _SHORTEST:
            by_words.setdefault(setting.count("_"), []).append(setting)
    for name in names:
        if name in known or not name.startswith(prefix):
            continue
        # An underscore may be the letter that is too many or too few.
        count = name.count("_")
        near = [each for words in (count, count - 1, count + 1) for each in by_words.get(words, ())]
        meant = next((each for each in near if _is_near(name, each)), None)
        if meant is not None:
            yield name, meant


def _is_near(name: str, setting: str) -> bool:
    words, wanted = name.split("_"), setting.split("_")
    if len(words) != len(wanted):
        return _is_slip(name, setting)
    return all(map(_is_slip, words, wanted))


def _is_slip(word: str, wanted: str) -> bool:
    """Tell whether a word is another one, or one slip away from it."""
    if word == wanted:
        return True
    if abs(len(word) - len(wanted)) > 1 or min(len(word), len(wanted)) < 2:
        return False
    start = next((place for place, (a, b) in enumerate(zip(word, wanted, strict=False)) if a != b), None)
    if start is None:
        return True
    rest, other = word[start:], wanted[start:]
    swapped = rest[1::-1] + rest[2:]
    return other in (swapped, rest[1:], other[0] + rest, other[0] + rest[1:])
