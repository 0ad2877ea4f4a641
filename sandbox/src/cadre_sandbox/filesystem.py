"""The built-in server `filesystem`: files in the sandbox's own work folder."""

from pathlib import Path
from typing import Any, Final

MAX_READ: Final = 100_000  # characters that one call returns
MAX_ENTRIES: Final = 500

_PATH: Final = {"type": "string", "description": "path in the work folder"}
TOOLS: Final[dict[str, tuple[str, dict[str, Any], list[str]]]] = {
    "list_directory": ("Names in a folder; folders end with /", {"path": _PATH}, []),
    "read_file": ("The text of a file", {"path": _PATH}, ["path"]),
    "write_file": (
        "Write a text file; its folders are made",
        {"path": _PATH, "content": {"type": "string"}},
        ["path", "content"],
    ),
    "delete_file": ("Delete a file", {"path": _PATH}, ["path"]),
}


class Filesystem:
    """Every path stays in the folder, also behind links."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.resolve()

    def _place(self, path: Any) -> Path:
        if not isinstance(path, str) or "\0" in path:
            raise ValueError("path must be a text")
        place = (self._folder / path.lstrip("/")).resolve()
        if not place.is_relative_to(self._folder):
            raise ValueError("The path leads out of the work folder")
        return place

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """Return what the tool says. Raises ValueError or OSError."""
        place = self._place(arguments.get("path", "."))
        if name == "list_directory":
            names = sorted(f"{one.name}/" if one.is_dir() else one.name for one in place.iterdir())
            more = f"\n({len(names) - MAX_ENTRIES} more)" if len(names) > MAX_ENTRIES else ""
            return "\n".join(names[:MAX_ENTRIES]) + more
        if name == "read_file":
            with place.open(encoding="utf-8", errors="replace") as file:
                text = file.read(MAX_READ + 1)
            return text if len(text) <= MAX_READ else f"{text[:MAX_READ]}\n(the file is longer)"
        if name == "write_file":
            content = arguments.get("content")
            if not isinstance(content, str):
                raise ValueError("content must be a text")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content, encoding="utf-8")
            return f"Wrote {len(content)} characters"
        place.unlink()
        return "Deleted"
