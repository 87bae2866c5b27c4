"""The only importer of private names of aiortc, aioice and pylibsrtp; contract tests say which one moved."""
