"""Meetings that the bot takes part in: the shared rules, and an adapter for each kind."""
