"""What a scenario may say about a model. Owns the base class of all plans, which refuses one that contradicts itself,
and the types their keys share, with their units; each plan itself lies beside the model that follows it. What a key
means is in the text below it, and from there in docs/rehearsal.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

Seconds = Annotated[float, Field(ge=0, json_schema_extra={"unit": "s"})]
Bytes = Annotated[int, Field(ge=0, json_schema_extra={"unit": "bytes"})]
Count = Annotated[int, Field(ge=0)]
# The tags of a resource, by which it is known whose plan it follows.
Tags = Mapping[str, str]


class Plan(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Each key that contradicts another of the plan, with the rule that it breaks."""
        yield from ()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        for key, rule in self.contradictions():
            raise PydanticCustomError("contradiction", "{rule}", {"key": key, "rule": rule})
        return self


def beside(problem_of: Callable[[Path], str | None]) -> AfterValidator:
    """A path that a scenario names is one from the folder that the scenario is in; what is there must do."""

    def checked(path: Path, info: ValidationInfo) -> Path:
        there = Path((info.context or {}).get("folder", "")).absolute() / path
        if (problem := problem_of(there)) is not None:
            raise refused(problem)
        return there

    return AfterValidator(checked)


def refused(problem: str) -> PydanticCustomError:
    """A value that breaks a rule, in the rule's words."""
    return PydanticCustomError("rule", "{problem}", {"problem": problem})


class Window(Plan):
    """A stretch of time; `at` counts from the first attempt's start."""

    at: Seconds = 0
    """From the first attempt's start."""
    for_: Seconds = Field(default=600, alias="for")
    """For how long."""
