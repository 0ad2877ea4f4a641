"""The content of the wire formats: each contract's models of entities and its table of events, in a package of its own.

(`shared.edge.contracts` has the formats themselves: case, envelope, errors.) Here is what several areas or the sockets show;
models of only one area are in `functions/<area>/<contract>.py`.
"""
