"""What takes back what was said before: a sentence that begins with "actually", or that says of a thing that it is not needed any more."""

import re
from collections.abc import Sequence
from typing import Final

_CORRECTION: Final = re.compile(
    r"(?:actually|on second thoughts?|after all|correction|scratch that|no wait|instead|eigentlich(?: doch)?|doch lieber|lieber doch|"
    r"stattdessen|korrektur)\b[,:]?\s*",
    re.IGNORECASE,
)
_NOT_ANY_MORE: Final = tuple(
    re.compile(form, re.IGNORECASE | re.DOTALL)
    for form in (
        r"(?:please )?(?:also )?(?:drop|leave out|skip|withdraw|cut|forget(?: about)?|get rid of) (?P<what>.+)",
        r"(?:we|i) (?:do not|don't|no longer) (?:need|want) (?P<what>.+?)(?: any ?more| any longer| after all)?",
        r"(?P<what>.+?) (?:is|are) (?:no longer|not) (?:needed|required|wanted|necessary)(?: any ?more| any longer| after all)?",
        r"(?:bitte )?(?:streiche|lass|lassen sie) (?P<what>.+?)(?: weg)?",
        r"(?:bitte )?(?P<what>.+?) (?:bitte )?(?:streichen|weglassen)",
        r"(?:wir brauchen|ich brauche|wir wollen) (?P<what>.+?) (?:doch )?(?:nicht mehr|doch nicht)",
        r"(?P<what>.+?) (?:wird|werden) (?:doch )?nicht (?:mehr )?(?:gebraucht|benötigt)",
    )
)
_REMOVED: Final = re.compile(
    r"(?:please )?(?:remove|delete) (?P<what>.+)|(?:bitte )?(?P<was>.+?) (?:bitte )?(?:entfernen|löschen)",
    re.IGNORECASE | re.DOTALL,
)
_LITTLE: Final = frozenset(
    {
        *("a", "an", "the", "and", "or", "of", "for", "to", "in", "on", "at", "by", "with", "from", "support", "add", "new"),
        *("requirement", "requirements", "system", "must", "should", "shall", "can", "be", "is", "are", "it", "we", "our", "not"),
        *(
            "any",
            "all",
            "them",
            "they",
            "their",
            "that",
            "this",
            "which",
            "have",
            "has",
            "need",
            "needs",
            "also",
            "please",
            "only",
        ),
        *("fulfil", "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "und", "oder", "von", "zu", "zum", "zur"),
        *("für", "mit", "bei", "auch", "nur", "soll", "sollen", "muss", "müssen", "kann", "können", "nicht", "kein", "keine"),
        *("keinen", "es", "wir", "sie", "bitte", "dies", "erfüllen"),
    }
)


def without_marker(text: str) -> str | None:
    """Return a sentence that corrects an earlier one without the word that says so; None for any other sentence."""
    found = _CORRECTION.match(text)
    rest = text[found.end() :].strip() if found else ""
    return rest[0].upper() + rest[1:] if rest else None


def corrected_by(text: str, earlier: Sequence[str]) -> str | None:
    """Return the statement that a sentence corrects: the last that has half of its telling words in common with it."""
    own = telling(text)
    for other in reversed(earlier):
        words = telling(other)
        common = len(own & words)
        if common and (common * 2 >= len(words) or common == len(own)):
            return other
    return None


def named_as_unneeded(text: str) -> str | None:
    """Return what a sentence says is not needed any more; None if it says no such thing."""
    return next((found["what"] for form in _NOT_ANY_MORE if (found := form.fullmatch(text.strip(" .!")))), None)


def named_as_removed(text: str) -> str | None:
    """Return what a sentence may ask to remove from the document, or require the system to delete."""
    found = _REMOVED.fullmatch(text.strip(" .!"))
    return (found["what"] or found["was"]) if found else None


def is_covered(sentence: str, covered: str) -> bool:
    """Tell whether what a sentence is about is said elsewhere too: half of its telling words."""
    own = telling(sentence)
    return bool(own) and len(own & telling(covered)) * 2 >= len(own)


def telling(text: str) -> frozenset[str]:
    """Return the words of a text that tell what it is about."""
    return frozenset(one.rstrip("s") for one in re.findall(r"[^\W\d_][\w-]{2,}", text.lower()) if one not in _LITTLE)
