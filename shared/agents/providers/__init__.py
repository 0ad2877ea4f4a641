"""Models behind one port: what a call is, and who can answer it.

`port` says what a request and its stream are; `registry.provider(name)` gives an adapter. Adapters import their heavy
parts (boto3, httpx2) where they use them, so importing this package costs nothing.
"""
