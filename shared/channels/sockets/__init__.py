"""Sockets: connections, their subscriptions, and the delivery of messages.

publish -> queue `ws-push` -> `ws_pusher`: finds the subscriptions of a topic, posts to their connections in parallel. A request
never waits for a viewer.
"""
