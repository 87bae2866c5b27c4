"""XML of ElementTree as text, with what XML cannot hold replaced."""

import re
from typing import Final
from xml.etree import ElementTree

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Everything but the production `Char` of XML 1.0."""


def holdable(text: str) -> str:
    """``text`` with a replacement character for each that XML 1.0 has no way to write."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def document(root: ElementTree.Element) -> str:
    """The whole document, indented; every attribute and text in it must be `holdable`."""
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'
