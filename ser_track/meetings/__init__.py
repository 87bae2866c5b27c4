"""Meetings of every kind: who is there, what they answered, who is told, and the adapters that join them."""
