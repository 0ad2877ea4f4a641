"""Explorations: from an idea by questions, requirements, a design and a spec to a project."""
