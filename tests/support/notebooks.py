"""Code in the kernel of a user's notebook server, as their browser would run it."""

import json
from typing import Any
from uuid import uuid4

import websocket

from tests.support.platform import Platform, eventually

SECONDS = 60


def run_in_notebook(platform: Platform, user: str, code: str) -> str:
    """Run code in a new kernel of the user's notebook server, started where it is not; return what it printed."""
    with platform.hub(user) as hub:
        hub.post(f"/users/{user}/server", json={"user_options": {"notebook": "default"}})
        eventually(lambda: _is_ready(hub.get(f"/users/{user}").json()), "the notebook server is ready")
    host = f"{user}.gavip.localhost:{platform.port}"
    headers = {"Authorization": f"token {platform.token(user)}"}
    with platform.browserless(headers=headers) as client:
        made = client.post(f"http://{host}/user/{user}/api/kernels", json={"name": "python3"})
        made.raise_for_status()
    line = websocket.create_connection(
        f"ws://127.0.0.1:{platform.port}/user/{user}/api/kernels/{made.json()['id']}/channels",
        host=host,
        header=headers,
        timeout=SECONDS,
        suppress_origin=True,
    )
    try:
        return _printed(line, code)
    finally:
        line.close()


def _is_ready(model: dict[str, Any]) -> bool:
    return bool(model["servers"].get("", {}).get("ready"))


def _printed(line: websocket.WebSocket, code: str) -> str:
    asked = uuid4().hex
    header = {
        "msg_id": asked,
        "msg_type": "execute_request",
        "session": asked,
        "username": "",
        "version": "5.3",
    }
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    line.send(json.dumps({**message, "buffers": []}))
    text = ""
    while True:
        answer = json.loads(line.recv())
        if answer["parent_header"].get("msg_id") != asked:
            continue
        if answer["msg_type"] == "stream":
            text += answer["content"]["text"]
        if answer["msg_type"] == "execute_reply":
            assert answer["content"]["status"] == "ok", answer["content"]
            return text
