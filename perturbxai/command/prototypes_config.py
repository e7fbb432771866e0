"""What `perturbxai prototypes` is asked, validated."""

from typing import Annotated, Literal

from pydantic import Field, StrictInt

from perturbxai.command.config import TableFile
from perturbxai.command.values import Whole


class PrototypesConfig(TableFile):
    """A table and how many of its rows are to stand for it. For the keys of the table see TableFile; no model is asked.

    n, criticisms, method, rows, seed   as `prototypes` has them; None for what it takes unasked
    """

    data: str
    model: str = ""
    n: Whole | None = None
    criticisms: Annotated[StrictInt, Field(ge=0)] | None = None
    method: Literal["mmd", "kmedoids", "kmeans"] = "mmd"
    rows: Annotated[StrictInt, Field(ge=2)] = 2000
    seed: Annotated[StrictInt, Field(ge=0)] = 0

    @property
    def learns(self) -> bool:
        """Whether columns are taken as a model that is trained here would have them: dates as dates, and no ids."""
        return True
