"""Safe XML reading and writing: no entities, no document types, bounded depth and size."""

import re
from xml.etree import ElementTree
from xml.parsers import expat

from touchline.formats.base import SourceFile, windows_text

MAX_BYTES = 64 << 20
MAX_ELEMENTS = 2_000_000
MAX_DEPTH = 60

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']([\w-]{1,40})")

Element = ElementTree.Element


def parse_xml(source: SourceFile, document_type: str | None = None) -> Element:
    """The root element of an XML file.

    Args:
        document_type: the document type that is allowed (``fcpxml``), if empty.

    Raises:
        FormatError: malformed, too large or too deep, or with entities or a document type.
    """
    if len(source.data) > MAX_BYTES:
        raise source.error(f"XML of more than {MAX_BYTES >> 20} MiB", remedy="split it")
    data, encoding = _encoded(source)
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate(encoding)
    depth = count = 0

    def place() -> str:
        return f"line {parser.CurrentLineNumber}"

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > MAX_DEPTH or count > MAX_ELEMENTS:
            raise source.error("XML nested too deep or with too many elements", place())
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    def refuse_type(name: str, system: str | None, public: str | None, inside: int) -> None:
        if name != document_type or system or public or inside:
            raise source.error(
                "XML with a document type", place(), "remove <!DOCTYPE ...> from the file"
            )

    def refuse_entity(*_: object) -> None:
        raise source.error("XML with entities", place(), "remove them from the file")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse_type
    parser.EntityDeclHandler = refuse_entity
    parser.ExternalEntityRefHandler = None
    parser.buffer_text = True
    try:
        parser.Parse(data, True)
        return builder.close()
    except (expat.ExpatError, ValueError, LookupError, AssertionError) as error:
        raise source.error(f"malformed XML: {error}", remedy="it may be cut short") from error


def _encoded(source: SourceFile) -> tuple[bytes, str | None]:
    """The bytes of a file and, where what it declares is wrong, their encoding.

    Some programs write Windows-1252 and declare UTF-8, or nothing.
    """
    data = source.data
    declared = _DECLARED.match(data)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or (declared and declared[1].lower() != b"utf-8"):
        return data, None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        text = windows_text(data)
        if text is not None:
            source.warnings.append("not UTF-8; read as Windows-1252")
            return text.encode(), "utf-8"
    return data, None


def xml_bytes(root: Element, document_type: str | None = None) -> bytes:
    """An XML document, indented; characters that XML cannot hold become U+FFFD."""
    for element in root.iter():
        if element.text:
            element.text = _FORBIDDEN.sub("\ufffd", element.text)
        for key, value in element.attrib.items():
            element.attrib[key] = _FORBIDDEN.sub("\ufffd", value)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode").replace("\r", "&#13;")
    kind = f"<!DOCTYPE {document_type}>\n" if document_type else ""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{kind}{body}\n'.encode()


def child(parent: Element, tag: str, text: str | None = None, /, **attributes: str) -> Element:
    """Add a child element."""
    element = ElementTree.SubElement(parent, tag, attributes)
    element.text = text
    return element


def new_root(tag: str, /, **attributes: str) -> Element:
    """A root element."""
    return Element(tag, attributes)


def mentions(source: SourceFile, mark: bytes) -> bool:
    """Whether the start of a file contains a mark, in any encoding."""
    return mark in source.data[:4096].replace(b"\0", b"")
