"""What all models of answers have in common."""

import pydantic


class Model(pydantic.BaseModel):
    """Part of an answer. Fields that this version does not know are kept: an API may add some."""

    model_config = pydantic.ConfigDict(extra="allow")
