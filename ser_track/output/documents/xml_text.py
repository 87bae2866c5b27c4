"""ElementTree XML as text; characters that XML cannot represent are replaced."""

import re
from typing import Final
from xml.etree import ElementTree

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Every character outside the production `Char` of XML 1.0."""


def holdable(text: str) -> str:
    """Return ``text`` with a replacement character for each character that XML 1.0 cannot represent."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def document(root: ElementTree.Element) -> str:
    """The whole document, indented; every attribute and text in it must be `holdable`."""
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'
