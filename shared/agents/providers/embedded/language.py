"""The language of a card: by its script, or by `papagan`, which is imported only when a card is read."""

import re
from functools import cache, lru_cache
from typing import Any, Final

from shared.agents.providers.embedded.tables import LANGUAGES

OTHER: Final = "other"
_LEAST: Final = 0.45  # measured on the marked cards: below it stand bare names and languages that papagan does not know
_KANA, _HAN = re.compile(r"[\u3040-\u30ff]"), re.compile(r"[\u4e00-\u9fff]")
_OTHER_SCRIPTS = re.compile(r"[\u0370-\u05ff\u0600-\u0fff\u1100-\u11ff\uac00-\ud7af]")


@lru_cache(maxsize=64)
def recognize(text: str) -> str:
    """Return one of LANGUAGES, or OTHER; a text that says nothing about its language is English."""
    letters = sum(one.isalpha() for one in text)
    kana, han = len(_KANA.findall(text)), len(_HAN.findall(text))
    if (kana + han) * 4 > letters:  # Latin names of products stand between the signs
        return "ja" if kana * 12 > han else "zh"
    if len(_OTHER_SCRIPTS.findall(text)) * 2 > letters:
        return OTHER
    found, certainty = _detector().detect(text).top()
    if certainty < _LEAST or found == "?":
        return "en"
    return found if found in LANGUAGES else OTHER


@cache
def _detector() -> Any:
    from papagan import Detector

    return Detector()
