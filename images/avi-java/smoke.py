"""Run in the image: a class is compiled and run, from Python as a pipeline would."""

import os
import subprocess
import tempfile
from pathlib import Path

SOURCE = """
public class Distance {
    public static void main(String[] arguments) {
        System.out.printf(java.util.Locale.ROOT, "%.3f pc%n", 1000 / Double.parseDouble(arguments[0]));
    }
}
"""


def check_a_class_compiles_and_runs() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Distance.java").write_text(SOURCE)
        subprocess.run(["javac", "-d", folder, f"{folder}/Distance.java"], check=True)
        said = subprocess.run(
            ["java", "-cp", folder, "Distance", "21.3"], check=True, capture_output=True, text=True
        )
    assert said.stdout == "46.948 pc\n", said.stdout


def check_it_is_java_17() -> None:
    home = Path(os.environ["JAVA_HOME"])
    said = subprocess.run([home / "bin/java", "-version"], check=True, capture_output=True, text=True)
    assert 'version "17.' in said.stderr, said.stderr


def check_python_is_there_too() -> None:
    import astropy.units as u

    assert (1 * u.pc).to_value(u.lyr) > 3.26


if __name__ == "__main__":
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            check()
            print(f"ok {name.removeprefix('check_')}")
