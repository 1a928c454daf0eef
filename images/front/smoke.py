"""Run in the image: nginx takes the settings that the front is started with."""

import os
import subprocess
from pathlib import Path


def check_nginx_takes_the_settings() -> None:
    folder = Path("/tmp/front")
    folder.mkdir()
    text = Path("/etc/gavip/nginx.conf").read_text().replace("/front/", f"{folder}/")
    config = folder / "nginx.conf"
    config.write_text(text.replace("@DOMAIN@", "gavip.example.org").replace("@PORT@", "8443"))
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=gavip.example.org"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    done = subprocess.run(
        ["nginx", "-e", "stderr", "-t", "-c", str(config)], capture_output=True, text=True, check=False
    )
    assert "test is successful" in done.stderr, done.stderr


def check_the_start_is_a_program() -> None:
    assert os.access("/usr/local/bin/start", os.X_OK)


if __name__ == "__main__":
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            check()
            print(f"ok {name.removeprefix('check_')}")
