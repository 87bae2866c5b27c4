"""The only package that imports private names of aiortc, aioice and pylibsrtp. Contract tests name any that moved."""
