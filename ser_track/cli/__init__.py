"""The commands: serve, analyze, classify, evaluate."""
