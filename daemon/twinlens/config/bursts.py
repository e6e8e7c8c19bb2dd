"""The options of bursts: what is one, and who stands for it."""

from pydantic import Field

from twinlens.config.choices import BurstPrimary
from twinlens.config.section import Section, Word


class BurstsConfig(Section):
    """Pictures that one camera took one right after the other."""

    gap_seconds: float = Field(
        default=1.0,
        gt=0,
        le=10,
        description="The longest pause between two pictures of one burst.",
    )
    least_pictures: int = Field(
        default=3, ge=2, le=1000, description="Fewer pictures are no burst."
    )
    least_seconds: float = Field(
        default=0.5,
        ge=0,
        le=60,
        description="From the first to the last picture; what is shorter is no burst, unless the "
        "camera itself says so.",
    )
    primary: Word[BurstPrimary] = Field(
        default=BurstPrimary.QUALITY,
        description="The picture that stands for a burst, where neither the owner nor the camera "
        "chose one: the one of best `quality`, the `first` or the `middle` one.",
    )
