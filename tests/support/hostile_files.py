"""Files that no honest person makes: each by its name, why it is hostile, and the code that makes it."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass

from tests.support import hostile_contents as contents
from tests.support.hostile_contents import ELSEWHERE, HTML, MB, SCRIPT, TAG, fits_of, image_cards, png, zip_of


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """One of them."""

    name: str
    why: str
    make: Callable[[], bytes]


FILES = (
    Hostile(
        name="page.html", why="runs scripts and asks other hosts in every way a page can", make=lambda: HTML
    ),
    Hostile(
        name="page.txt", why="is a page that calls itself text, for browsers that guess", make=lambda: HTML
    ),
    Hostile(name="page.png", why="is a page that calls itself a picture", make=contents.page),
    Hostile(name="page.csv", why="is a page that calls itself a table", make=contents.page),
    Hostile(name="page", why="is a page without any ending", make=contents.page),
    *(
        Hostile(name=f"page.{ending}", why="is a page that calls itself data", make=contents.page)
        for ending in ("fits", "h5", "parquet", "vot", "ipynb", "pdf", "svg")
    ),
    Hostile(
        name="page.xhtml",
        why="is a page of XML, which browsers take more strictly and run as well",
        make=contents.xhtml,
    ),
    Hostile(
        name="styled.xml", why="names a transformation that makes a script of it", make=contents.styled_xml
    ),
    Hostile(
        name="picture.svg",
        why="is a picture with scripts, frames and pictures from elsewhere",
        make=contents.picture,
    ),
    Hostile(
        name="worker.js",
        why="is a script that pages of its own origin may load",
        make=SCRIPT.encode,
    ),
    Hostile(
        name="style.css",
        why="is a style sheet that asks elsewhere",
        make=f"@import 'http://{ELSEWHERE}/h.css'; * {{display: none}}".encode,
    ),
    Hostile(name="laughs.vot", why="becomes 2 GB where its entities are put in", make=contents.laughs),
    Hostile(
        name="entity.vot",
        why="has a file of the server put in, and a document type from elsewhere",
        make=contents.outside_entity,
    ),
    Hostile(
        name="words.vot",
        why="says scripts wherever it may say words, and names a style sheet",
        make=contents.votable_words,
    ),
    Hostile(name="rows.vot", why="says that its rows are in /etc/passwd", make=contents.elsewhere_rows),
    Hostile(
        name="outputs.ipynb",
        why="has scripts as outputs, in each form that Jupyter knows",
        make=contents.notebook_outputs,
    ),
    Hostile(name="links.ipynb", why="has scripts as links and as text", make=contents.notebook_links),
    Hostile(
        name="deep.ipynb",
        why="is a notebook nested 100,000 deep",
        make=lambda: b'{"cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ),
    Hostile(name="polyglot.pdf", why="is a PDF with a script, and a page", make=contents.pdf_polyglot),
    Hostile(name="polyglot.gif", why="is a picture and a script", make=contents.gif_polyglot),
    Hostile(
        name="behind.jpg",
        why="has a page behind a picture's first bytes",
        make=lambda: b"\xff\xd8\xff\xe0\0\x10JFIF\0" + HTML,
    ),
    Hostile(
        name="bomb.png", why="says that it is 3.6 thousand million pixels", make=lambda: png(60_000, 60_000)
    ),
    Hostile(name="bomb.fits.gz", why="becomes 300 MB where it is unpacked", make=contents.gzip_bomb),
    Hostile(
        name="bomb.zip",
        why="becomes 100 MB where it is unpacked",
        make=lambda: zip_of("zeros", content=bytes(100 * MB)),
    ),
    Hostile(
        name="nested.zip",
        why="becomes a million terabytes where archives in it are unpacked",
        make=contents.nested_zip,
    ),
    Hostile(
        name="up.zip",
        why="leads out of the folder in which it is unpacked",
        make=lambda: zip_of("../../up.txt", "/etc/cron.d/x", "..\\..\\up.txt", "C:\\up.txt"),
    ),
    Hostile(
        name="up.tar.gz",
        why="leads out of the folder in which it is unpacked, and to /etc/passwd",
        make=contents.traversing_tar,
    ),
    Hostile(
        name="formulas.csv",
        why="starts programs where a spreadsheet opens it unasked",
        make=contents.formulas,
    ),
    Hostile(
        name="quotes.csv", why="opens a quote and never ends it", make=lambda: b'a,b\n"' + b'""\n' * 2_000_000
    ),
    Hostile(
        name="columns.csv",
        why="has a million columns",
        make=lambda: b"x," * 1_000_000 + b"\n" + b"1," * 1_000_000,
    ),
    Hostile(
        name="lying.fits",
        why="announces 10 GB and holds nothing",
        make=lambda: fits_of(*image_cards(100_000, 100_000)),
    ),
    Hostile(
        name="negative.fits",
        why="has an axis of -5",
        make=lambda: fits_of(*image_cards(-5, 7), data=b"x" * 35),
    ),
    Hostile(
        name="huge.fits",
        why="has axes beyond 64 bits",
        make=lambda: fits_of(*image_cards("9" * 20, "9" * 20, bits=-64)),
    ),
    Hostile(name="axes.fits", why="has 999 axes of 2", make=lambda: fits_of(*image_cards(*[2] * 999))),
    Hostile(
        name="odd.fits",
        why="has words where numbers belong",
        make=lambda: fits_of(*image_cards("'<b>'", "T", bits="'x'")),
    ),
    Hostile(
        name="cut.fits",
        why="breaks off within its image",
        make=lambda: fits_of(*image_cards(100, 100), data=b"x" * 5000)[:4000],
    ),
    Hostile(name="cards.fits", why="has a header of 100,000 cards", make=contents.many_cards),
    Hostile(name="words.fits", why="says scripts wherever it may say words", make=contents.fits_words),
    Hostile(name="table.fits", why="says that its rows lie where no file is", make=contents.lying_table),
    Hostile(
        name="outside.h5",
        why="links to /etc/passwd and to others' files, and to itself",
        make=contents.outside_hdf5,
    ),
    Hostile(name="lying.parquet", why="says that its footer has 2 GB", make=contents.lying_parquet),
    Hostile(name="bomb.parquet", why="becomes 200 MB where it is read", make=contents.parquet_bomb),
    Hostile(name="words.parquet", why="says scripts wherever it may say words", make=contents.parquet_words),
    Hostile(
        name="deep.json",
        why="is nested 100,000 deep",
        make=lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ),
    Hostile(
        name="escapes.log",
        why="rewrites the terminal that shows it, and turns the order of reading",
        make=f"\x1b]0;owned\x07\x1b[2J\x1b[8mhidden\x1b[0m \u202egnp.exe {TAG}".encode,
    ),
    Hostile(name="utf16.txt", why="is a page in UTF-16", make=lambda: HTML.decode().encode("utf-16")),
    Hostile(
        name="utf7.txt",
        why="is a page in UTF-7, for browsers that guess",
        make=f"+ADw-script+AD4-{SCRIPT}+ADw-/script+AD4-".encode,
    ),
    Hostile(
        name="packed.html.gz",
        why="is a page where a server says how it is packed",
        make=lambda: gzip.compress(HTML),
    ),
)
