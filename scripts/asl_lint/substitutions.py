"""Substitutions of a definition against those that the template gives."""

import re

from asl_lint.states import Json, Problem

_SUBSTITUTION = re.compile(r"\$\{([^}]*)\}")


def check_substitutions(text: str, given: Json) -> list[Problem]:
    """Every `${Name}` of the definition is given by the template, and none is given in vain."""
    used = set(_SUBSTITUTION.findall(text))
    return [
        *(
            Problem("definition", f"${{{name}}} is not given by the template")
            for name in sorted(used - set(given))
        ),
        *(Problem("template", f"substitution {name} is not used") for name in sorted(set(given) - used)),
    ]
