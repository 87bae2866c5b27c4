"""Sinks for events: files, tables, documents and data channels."""
