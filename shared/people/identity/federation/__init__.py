"""Sign in at another service: GitHub, Google, and any OpenID Connect provider.

begin     create state, PKCE verifier and nonce, store them (a one-time token), and send the browser to the provider
finish    check that state and browser belong to that sign-in, exchange the code, and learn from the provider who it is
sign_in   find, link or create the account of that identity, and open a session
"""
