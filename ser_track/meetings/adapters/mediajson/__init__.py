"""Conferences whose bridges send us their audio as MediaJson over a WebSocket: Jitsi's media export, and its like."""
