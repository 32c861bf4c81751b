"""A part of a data set."""

from collections.abc import Sequence
from typing import overload

from model.datasets.objects import EvaluationObject


class Chosen(Sequence[EvaluationObject]):
    """Some objects of a data set, by their numbers in it."""

    def __init__(self, objects: Sequence[EvaluationObject], numbers: Sequence[int]) -> None:
        self._objects, self._numbers = objects, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> EvaluationObject: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[EvaluationObject]: ...
    def __getitem__(self, index: int | slice) -> EvaluationObject | Sequence[EvaluationObject]:
        if isinstance(index, slice):
            return Chosen(self._objects, self._numbers[index])
        return self._objects[self._numbers[index]]
