"""Shorten the start of a function of the API. Imported before anything heavy; this module imports FastAPI.

Measured one by one, in instructions of a cold start of `cards` up to its first response (callgrind, which repeats to four
digits):

models       FastAPI has 40 Pydantic models of OpenAPI; they are built when used, which a serving function never does
email        FastAPI imports email_validator (48 ms of CPU) for the contact in a document; we import it when an address is checked
pydantic.v1  FastAPI asks of each parameter whether it is a model of Pydantic's old version, and imports that for the question
"""

import sys
import warnings

from pydantic import BaseModel
from pydantic.warnings import UnsupportedFieldAttributeWarning

from shared.core import start

if start.ON_LAMBDA:
    sys.modules.setdefault("pydantic.v1", None)  # type: ignore[arg-type]  # the documented way to have no such module

# FastAPI ignores this warning while it builds the fields of its bodies; our models (`Shape`) are built later, when first used
warnings.filterwarnings("ignore", category=UnsupportedFieldAttributeWarning)
BaseModel.model_config["defer_build"] = True
hidden = "email_validator" not in sys.modules
if hidden:
    sys.modules["email_validator"] = None  # type: ignore[assignment]
import fastapi.openapi.models  # noqa: E402, F401 - imported here, while building models is deferred

if hidden:
    del sys.modules["email_validator"]
del BaseModel.model_config["defer_build"]
