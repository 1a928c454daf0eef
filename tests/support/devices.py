"""What a person does at the portal, in any browser, to sign a command in elsewhere."""

import re
from html import unescape

import httpx

PAGE = "/services/gavip/device"


def form_of(page: str) -> dict[str, str]:
    """Return the hidden fields of a page's form, and with it the session's token."""
    form = next(part for part in page.split("<form")[1:] if "/device" in part.partition(">")[0])
    return {
        name: unescape(value)
        for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    }


def say_yes(browser: httpx.Client, code: str) -> str:
    """Type a code at the portal, allow it, and return the last page."""
    asked = form_of(browser.get(PAGE).text)
    shown = browser.post(PAGE, data={**asked, "code": code})
    decided = {**form_of(shown.text), "decision": "allow"}
    return browser.post(f"{PAGE}/decide", data=decided).raise_for_status().text
