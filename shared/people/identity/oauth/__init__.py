"""The OAuth 2.0 authorization server: its clients, its codes, and oauthlib's endpoints over them (decision 49)."""
