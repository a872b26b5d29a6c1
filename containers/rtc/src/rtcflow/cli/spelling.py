"""Accept other spellings of options: underscores, several values after one option, and names of sar-pipeline."""

from collections.abc import Iterator, Sequence

# Options that take all values up to the next option.
_OF_SEVERAL_WORDS = ("--burst-id-list", "--scene")
_OTHER_NAMES = {"--dem-type": "--dem"}


def spelled(words: Sequence[str]) -> list[str]:
    """Spell option names with hyphens and as ours, and repeat an option before each of its values.

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
            name = name.replace("_", "-")
            option, filled = _OTHER_NAMES.get(name, name), bool(equals)
            yield option + equals + value
            continue
        if option in _OF_SEVERAL_WORDS and filled and not word.startswith("-"):
            yield option
        filled = True
        yield word
