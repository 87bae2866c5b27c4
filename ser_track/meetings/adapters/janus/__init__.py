"""Janus VideoRoom: joined over Janus's WebSocket API, with a receive-only connection for each publisher."""
