"""Sockets: who is connected, who wants to hear of what, and how a message gets to all of them.

publish -> queue `ws-push` -> `ws_pusher`: finds the subscriptions of a topic, posts to their connections in parallel. Nobody who changes
something waits for a viewer.
"""
