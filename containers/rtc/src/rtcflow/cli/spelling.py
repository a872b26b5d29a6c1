"""Command lines in the spellings that people bring along: underscores, and one option with several words."""

from collections.abc import Iterator, Sequence

# Options that take all words up to the next option.
_OF_SEVERAL_WORDS = ("--burst-id-list", "--scene")


def spelled(words: Sequence[str]) -> list[str]:
    """The words with hyphens in the names of options, and with an option before each of its words.

    Examples
    --------
    >>> spelled(["--burst_id_list", "t070_149815_iw3", "t070_149821_iw1", "--dry_run"])
    ['--burst-id-list', 't070_149815_iw3', '--burst-id-list', 't070_149821_iw1', '--dry-run']
    """
    return list(_spelled(words))


def _spelled(words: Sequence[str]) -> Iterator[str]:
    option, filled = "", False
    for word in words:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            option, filled = name.replace("_", "-"), bool(equals)
            yield option + equals + value
            continue
        if option in _OF_SEVERAL_WORDS and filled and not word.startswith("-"):
            yield option
        filled = True
        yield word
