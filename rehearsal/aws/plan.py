"""What a scenario may say about a model. Owns the base class of all plans and the types their keys share; each plan
itself lies beside the model that follows it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class Plan(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)


class Window(Plan):
    """A stretch of time; `at` counts from the first attempt's start."""

    at: Seconds = 0
    for_: Seconds = Field(default=600, alias="for")
