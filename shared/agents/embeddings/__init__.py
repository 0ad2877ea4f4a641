"""Embeddings: texts as vectors that point in like directions if the texts are about the same."""
