"""Entries for a bibliography; every name and title in them is some person's text."""

from collections.abc import Iterable, Mapping

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",  # BibTeX counts braces, those behind a backslash too
    "}": r"\textbraceright{}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
}


def entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    """Return an entry; what is empty is left out.

    Parameters
    ----------
    key
        Made of anything: what no key may hold is left out of it.
    fields
        Name -> what stands between its braces, as `latex`, `grouped` and `authors` make it.
    """
    plain = "".join(sign for sign in key if (sign.isascii() and sign.isalnum()) or sign == "-")
    lines = [f"  {name} = {{{text}}}" for name, text in fields.items() if text]
    return f"@{kind}{{{plain},\n" + ",\n".join(lines) + "\n}\n"


def latex(text: str) -> str:
    """Return a text as LaTeX prints it: on one line, and nothing in it is obeyed."""
    return "".join(_LATEX.get(sign, sign) for sign in " ".join(text.split()))


def grouped(text: str) -> str:
    """Return the same as one word, whose letters and parts stay as they are: a title, or a name that could be an institute's."""
    return f"{{{latex(text)}}}" if text else ""


def authors(names: Iterable[str]) -> str:
    """Return names as BibTeX takes several."""
    return " and ".join(grouped(name) for name in names)
