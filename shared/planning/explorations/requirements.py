"""The text of a requirements document, and reading it again: the text is the truth, whoever has changed it.

    ## Technical
    ### REQ-004: OAuth2
    **The authentication system shall support authentication by “OAuth2”.**

    - Pattern: ubiquitous
    - Source: Answer to “What authentication methods should be supported?”: “OAuth2, JWT, and API keys”
    - Acceptance criteria:
      - A test or an inspection shows: “OAuth2”.

What is not a requirement stays as it is written, when one requirement is changed.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.planning.explorations.ears import KINDS
from shared.planning.explorations.wording import CATEGORIES, LANGUAGES, words

MAX_REQUIREMENTS: Final = 60
"""Requirements of one exploration: each becomes two cards and about three tasks, all made by one request."""
_GROUPS: Final = dict(zip(CATEGORIES, ("scope", "technical", "security", "ux", "business"), strict=True))
_HEAD: Final = re.compile(r"^### (REQ-(\d{3,5}))\b[ :\u2013\u2014-]*(.*)$")
_LINE: Final = re.compile(r"^- ([^:]+):\s*(.*)$")


@dataclass(frozen=True)
class Requirement:
    """A requirement. `origin` is where it comes from: what names the place, then the words of the person."""

    number: int
    title: str
    kind: str
    statement: str
    origin: str
    category: str
    criteria: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        return f"REQ-{self.number:03d}"


@dataclass(frozen=True)
class Block:
    """A part of a section as it is written; the text of a requirement, if it has one."""

    text: str
    requirement: Requirement | None = None


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it; the first section of a document begins with its title."""

    heading: str
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        return "".join([f"{self.heading}\n", *(block.text for block in self.blocks)])


@dataclass(frozen=True)
class RequirementsText:
    """A requirements document, section by section. `text` is exactly what was read."""

    sections: tuple[Section, ...]
    language: str = "en"

    @property
    def text(self) -> str:
        return "".join(section.text for section in self.sections)

    @property
    def requirements(self) -> list[Requirement]:
        return [block.requirement for section in self.sections for block in section.blocks if block.requirement]

    def entries(self, name: str) -> list[str]:
        """Return the list below one of the fixed headings: `open`, `excluded`, `unfiled`, `withdrawn`, `history`."""
        section = next((one for one in self.sections if one.heading == words(self.language)[name]), None)
        return [line[2:] for line in section.text.splitlines() if line.startswith("- ")] if section else []

    def replaced(self, number: int, new: Requirement | None) -> "RequirementsText":
        """Return the document with another text of one requirement, or without it; a group without any is left out."""
        changed: list[Section] = []
        for section in self.sections:
            blocks = tuple(
                block
                if block.requirement is None or block.requirement.number != number
                else Block(rendered(new, self.language), new)
                for block in section.blocks
                if new is not None or block.requirement is None or block.requirement.number != number
            )
            had = any(block.requirement for block in section.blocks)
            if not had or any(block.requirement for block in blocks):
                changed.append(replace(section, blocks=blocks))
        return replace(self, sections=tuple(changed))

    def with_requirement(self, new: Requirement) -> "RequirementsText":
        """Return the document with one more requirement at the end of its group."""
        heading, block = heading_of(new.category, self.language), Block(rendered(new, self.language), new)
        place = next((index for index, one in enumerate(self.sections) if one.heading == heading), None)
        sections = list(self.sections)
        if place is None:
            groups = [heading_of(one, self.language) for one in CATEGORIES]
            above = [index for index, one in enumerate(sections) if one.heading in groups[: groups.index(heading)]]
            sections.insert(max(above, default=0) + 1, Section(heading, (Block("\n"), block)))
        else:
            sections[place] = replace(sections[place], blocks=(*sections[place].blocks, block))
        return replace(self, sections=tuple(sections))

    def with_entry(self, name: str, entry: str) -> "RequirementsText":
        """Return the document with one more line in the list below one of the fixed headings; the same line is not written twice."""
        own = words(self.language)
        if entry in self.entries(name):
            return self
        line, sections = f"- {entry}\n", list(self.sections)
        for index, section in enumerate(sections):
            if section.heading == own[name]:
                last = section.blocks[-1]
                blocks = (*section.blocks[:-1], Block(f"{last.text.rstrip()}\n{line}\n"))
                sections[index] = replace(section, blocks=blocks)
                return replace(self, sections=tuple(sections))
        intro = own.get(f"{name}_intro")
        text = f"\n{intro}\n\n{line}\n" if intro else f"\n{line}\n"
        sections.insert(self._end(), Section(own[name], (Block(text),)))
        return replace(self, sections=tuple(sections))

    def without_entry(self, name: str, entry: str) -> "RequirementsText":
        """Return the document without one line of a list."""
        heading = words(self.language)[name]
        return replace(
            self,
            sections=tuple(
                replace(section, blocks=tuple(Block(block.text.replace(f"- {entry}\n", "", 1)) for block in section.blocks))
                if section.heading == heading
                else section
                for section in self.sections
            ),
        )

    def _end(self) -> int:
        """Return where a new list belongs: before the signature."""
        return len(self.sections) - 1 if self.sections[-1].heading.startswith("---") else len(self.sections)


def heading_of(category: str, language: str) -> str:
    return f"## {words(language)[_GROUPS[category]]}"


def rendered(requirement: Requirement | None, language: str) -> str:
    """Return the text of a requirement; "" for none."""
    if requirement is None:
        return ""
    own = words(language)
    lines = [
        f"### {requirement.ref}: {requirement.title}",
        "",
        f"**{requirement.statement}**",
        "",
        f"- {own['pattern']}: {own[requirement.kind]}",
        f"- {own['source']}: {requirement.origin}",
        f"- {own['criteria']}:",
        *(f"  - {one}" for one in requirement.criteria),
        "",
    ]
    return "\n".join(lines) + "\n"


def written(title: str, idea: str, requirements: Iterable[Requirement], language: str) -> RequirementsText:
    """Return a new document: the idea, then the requirements by their groups, then the author."""
    own = words(language)
    quoted = "\n".join(f"> {line}".rstrip() for line in idea.strip().splitlines())
    found = list(requirements)
    sections = [Section(f"# {title}", (Block("\n"),)), Section(own["ideas"], (Block(f"\n{quoted}\n\n"),))]
    for category in CATEGORIES:
        blocks = [Block(rendered(one, language), one) for one in found if one.category == category]
        if blocks:
            sections.append(Section(heading_of(category, language), (Block("\n"), *blocks)))
    sections.append(Section("---", (Block(f"\n_{own['author']}_\n"),)))
    return RequirementsText(tuple(sections), language)


def parse(text: str) -> RequirementsText:
    """Read a requirements document. What it says is kept to the letter."""
    lines = text.splitlines(keepends=True)
    language = next((one for one in LANGUAGES if any(line.rstrip() == words(one)["ideas"] for line in lines)), "en")
    sections: list[Section] = []
    heading, blocks, current = "", list[Block](), list[str]()
    category = CATEGORIES[0]

    def close_block() -> None:
        if current:
            block = "".join(current)
            blocks.append(Block(block, _requirement(block, category, language)))
            current.clear()

    for line in lines:
        is_section = line.startswith(("## ", "# ")) or line.rstrip() == "---"
        if is_section or _HEAD.match(line.rstrip()):
            close_block()
        if is_section:
            if heading or blocks:
                sections.append(Section(heading, tuple(blocks)))
            heading, blocks = line.rstrip("\n"), []
            category = next((one for one in CATEGORIES if heading_of(one, language) == heading.rstrip()), category)
        else:
            current.append(line)
    close_block()
    sections.append(Section(heading, tuple(blocks)))
    return RequirementsText(tuple(sections), language)


def by_number(requirements: Sequence[Requirement]) -> dict[int, Requirement]:
    return {one.number: one for one in requirements}


def _requirement(block: str, category: str, language: str) -> Requirement | None:
    """Read a requirement from its text. None if it is none, or has no statement."""
    lines = block.splitlines()
    head = _HEAD.match(lines[0].rstrip()) if lines else None
    if head is None:
        return None
    own, fields, criteria = words(language), dict[str, str](), list[str]()
    statement: list[str] = []
    for line in lines[1:]:
        if line.startswith(("  - ", "  * ")):
            criteria.append(line[4:].strip())
        elif found := _LINE.match(line):
            fields[found[1]] = found[2].strip()
        elif not fields and line.strip():
            statement.append(line.strip())
    said = " ".join(statement).strip("*_ ")
    kinds = {own[kind]: kind for kind in KINDS}
    kind = kinds.get(fields.get(own["pattern"], ""), "ubiquitous")
    origin = fields.get(own["source"], "")
    return Requirement(int(head[2]), head[3].strip() or head[1], kind, said, origin, category, tuple(criteria)) if said else None
