"""The bundled AVIs' own code is found as it is in a job: their folder is on the path."""

import sys
from pathlib import Path

AVI = Path(__file__).resolve().parents[2] / "voila_apps" / "hr_diagram"
sys.path.insert(0, str(AVI))
