"""Meetings of every kind: their people, consent and events, and the adapters that join them."""
