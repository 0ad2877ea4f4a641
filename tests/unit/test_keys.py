"""Signatures and fingerprints of texts that no client of ours would send."""

import pytest

from shared.core import keys


@pytest.mark.parametrize("odd", ["é", "\ud800", "x" * 10_000, "", "\x00"])
def test_odd_text_is_no_signature_and_no_crash(monkeypatch, odd):
    monkeypatch.setattr(keys, "key_for", lambda _: b"k" * 32)
    assert keys.verify_signature("cursors", "text", odd) is False
    assert keys.verify_signature("cursors", odd, keys.sign("cursors", odd)) is True
    assert len(keys.fingerprint(odd)) == 64
