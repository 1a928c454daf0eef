"""Under which terms files are given to others: identifiers of SPDX's list, as archives and research objects name them."""

from typing import Annotated

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from pydantic import AfterValidator, Field

USUAL = {
    "CC-BY-4.0": "CC BY 4.0: to be used by anyone who names its author",
    "CC-BY-SA-4.0": "CC BY-SA 4.0: the same, and what is made of it is given on likewise",
    "CC-BY-SA-3.0-IGO": "CC BY-SA 3.0 IGO: as ESA gives the data of Gaia, and asks for what is made of them",
    "CC0-1.0": "CC0 1.0: to be used by anyone, without conditions",
}
"""Those that data are mostly given under, in plain words."""


def checked(text: str) -> str:
    """Return an identifier as the list spells it; nothing where nothing is stated.

    Raises
    ------
    ValueError
        The list has none of that name.
    """
    asked = text.strip()
    if not asked:
        return ""
    try:
        known: str = canonicalize_license_expression(asked)
    except InvalidLicenseExpression:
        known = ""
    if not known or " " in known or known.startswith("LicenseRef-"):
        raise ValueError(f"is not on SPDX's list of licences: name one as {', '.join(USUAL)}, or none")
    return known


def page_of(licence: str) -> str:
    """Return the address where a licence is explained; empty for none."""
    return f"https://spdx.org/licenses/{licence.removesuffix('+')}.html" if licence else ""


Licence = Annotated[str, Field(max_length=60), AfterValidator(checked)]
