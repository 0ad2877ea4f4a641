"""Writing the index of words. Whoever dies in between is followed by somebody who does all of it again."""

from shared.insight.search.rows import Entry, FiledUnder, Found, partition_of
from shared.store import delete, delete_many, get, put, put_many, write


def file_entry(entry: Entry) -> None:
    """Index an entry by its present words, and delete it from the words that it no longer has. Safe to repeat."""
    title, body = entry.words()
    words = [*title, *body]
    filed = FiledUnder.of(entry.ws_id, entry.kind, entry.id)
    stored = get(FiledUnder, filed.pk, filed.sk)
    gone = [word for word in stored.words if word not in words] if stored is not None else []
    filed.words = [*words, *gone]
    write(put(filed))  # before the rows: none is ever under a word that nobody knows of
    put_many([_found(entry, word, title, body) for word in words])
    if gone:
        _remove(entry.ws_id, entry.kind, entry.id, gone)
        filed.words = words
        write(put(filed))


def remove_entry(ws_id: str, kind: str, entry_id: str) -> None:
    """Take an entry out of the index. Safe to repeat."""
    filed = FiledUnder.of(ws_id, kind, entry_id)
    stored = get(FiledUnder, filed.pk, filed.sk)
    if stored is not None:
        _remove(ws_id, kind, entry_id, stored.words)
        write(delete(filed))


def _found(entry: Entry, word: str, title: list[str], body: list[str]) -> Found:
    return Found(
        pk=partition_of(entry.ws_id, entry.kind),
        sk=f"{word}#{entry.id}",
        proj_id=entry.proj_id,
        at=entry.at,
        title=" ".join(title),
        body=" ".join(body) or None,
    )


def _remove(ws_id: str, kind: str, entry_id: str, words: list[str]) -> None:
    delete_many([Found(pk=partition_of(ws_id, kind), sk=f"{word}#{entry_id}") for word in words])
