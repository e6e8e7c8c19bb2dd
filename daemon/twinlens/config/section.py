"""What every section of the configuration shares."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

_T = TypeVar("_T")

# The models are strict, so that "4" is never taken for 4. TOML has no words and no tuples, though:
# a word comes as text and a list as a list, and these two types let them in.
Word = Annotated[_T, Field(strict=False)]
Listing = Annotated[tuple[_T, ...], Field(strict=False)]


class Section(BaseModel):
    """What all sections share: unknown keys are mistakes, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
