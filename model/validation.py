"""What pydantic found wrong, as our one-line messages tell it."""

from typing import NamedTuple

from pydantic import ValidationError


class Problem(NamedTuple):
    """The first thing that is wrong with what came.

    Attributes:
        where: the field's name, of nested ones with dots.
        what: was expected, in pydantic's words.
        came: the value itself, which may be huge or secret.
    """

    where: str
    what: str
    came: object


def first_problem(error: ValidationError, whole: str) -> Problem:
    """The first of an error's problems.

    Args:
        whole: what it is called that came, for problems of no field in particular.
    """
    first = error.errors(include_url=False, include_context=False)[0]
    return Problem(".".join(map(str, first["loc"])) or whole, str(first["msg"]), first["input"])
