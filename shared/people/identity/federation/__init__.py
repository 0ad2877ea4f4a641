"""Signing in at another service: GitHub, Google, and any that speaks OpenID Connect.

begin     state, PKCE verifier and nonce are made and kept (a one-time token); the browser goes to the provider
finish    state and browser are the ones that began; the code is exchanged; who it is, is proved by the provider
enter     the identity's account is found, linked or founded, and a session opened
"""
