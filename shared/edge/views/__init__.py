"""What is inside the wire formats: each contract's shapes of entities and its table of events, in a package of its own.

(`shared.edge.contracts` has the formats themselves: case, envelope, errors.) Here is what more than one area or the sockets show; what
one area alone shows is in `functions/<area>/<contract>.py`.
"""
