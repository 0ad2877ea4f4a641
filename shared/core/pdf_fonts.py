"""The fonts of our PDF files: Vera, which comes with reportlab and is embedded.

Text that Vera has no letters for (Greek, Cyrillic, Chinese) uses a font of the PDF reader.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fonts:
    glyphs: Any
    measure: Callable[[str, str, float], float]
    """Return the width of a text in points, by its font and size."""

    def of(self, text: str, *, bold: bool = False) -> str:
        """Return the name of a font that has all letters of a text."""
        if all(ord(letter) in self.glyphs for letter in text):
            return "VeraBd" if bold else "Vera"
        return "STSong-Light"

    def wrap(self, text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
        """Break a text into lines of at most this width: between words, and inside a word that is wider."""
        font, lines, line = self.of(text, bold=bold), [], ""
        for word in text.split():
            tried = f"{line} {word}".strip()
            while self.measure(tried, font, size) > width:
                if line:
                    lines.append(line)
                    tried, line = word, ""
                    continue
                cut = self._fitting(tried, width, font, size)
                lines.append(tried[:cut])
                tried = tried[cut:]
            line = tried
        return [*lines, line] if line else lines

    def _fitting(self, word: str, width: float, font: str, size: float) -> int:
        """Return how many letters of a word fit, one at least. A word of thousands of letters is measured a dozen times for a line."""
        return max(1, bisect_right(range(len(word)), width, key=lambda n: self.measure(word[:n], font, size)) - 1)


def load_fonts() -> Fonts:
    """Register the fonts and return what measures by them."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.ttfonts import TTFont

    known = pdfmetrics.getRegisteredFontNames()
    for name in ("Vera", "VeraBd"):
        if name not in known:
            pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
    if "STSong-Light" not in known:
        pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    return Fonts(pdfmetrics.getFont("Vera").face.charToGlyph, pdfmetrics.stringWidth)
