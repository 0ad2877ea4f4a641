"""Language models behind one port.

`port` defines a request and the stream of events that answers it; `registry.provider(name)` returns an adapter. Adapters import
their heavy dependencies (boto3, httpx2) where they use them, so that importing this package is cheap.
"""
