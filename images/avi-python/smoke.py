"""Run in the image: every promised package does something true, a pipeline runs, an interface is served."""

import base64
import importlib
import json
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

PROMISED = [
    "astroML.stats",
    "astropy.table",
    "astroquery.gaia",
    "bokeh.plotting",
    "dask.dataframe",
    "dask.distributed",
    "ipympl",
    "ipywidgets",
    "jinja2",
    "luigi",
    "lxml.etree",
    "matplotlib.pyplot",
    "networkx",
    "numba",
    "numexpr",
    "numpy",
    "pandas",
    "papermill",
    "psycopg",
    "pyarrow.parquet",
    "pyvo",
    "pywt",
    "scipy.fft",
    "scipy.optimize",
    "scipy.spatial",
    "scipy.stats",
    "seaborn",
    "skimage.filters",
    "skimage.measure",
    "skimage.morphology",
    "sklearn.cluster",
    "sklearn.ensemble",
    "statsmodels.api",
    "voila",
    "avi_kernel.client",
    "avi_kernel.connectors.tap",
    "avi_kernel.pipelines.author",
    "avi_kernel.widgets.job_panel",
]
PNG = b"\x89PNG\r\n\x1a\n"
DRAWING = """
%matplotlib inline
import numpy as np
import matplotlib.pyplot as plt
phase = np.linspace(0, 1, 200)
plt.plot(phase, amplitude * np.sin(2 * np.pi * phase));
"""
NUMPY_STARS = 500


def notebook(*sources: str, parameters: bool = False) -> dict[str, object]:
    """Return a notebook of these cells, the first one its parameters."""
    cells = [
        {
            "cell_type": "code",
            "id": f"c{i}",
            "source": source,
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        for i, source in enumerate(sources)
    ]
    if parameters:
        cells[0]["metadata"] = {"tags": ["parameters"]}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def check_every_package_imports() -> None:
    for name in PROMISED:
        importlib.import_module(name)


def check_an_fft_finds_its_frequency() -> None:
    import numpy as np
    from scipy import fft

    days = np.arange(1024) / 16
    spectrum = np.abs(fft.rfft(np.sin(2 * np.pi * 1.5 * days)))
    assert fft.rfftfreq(1024, 1 / 16)[spectrum.argmax()] == 1.5


def check_a_table_goes_through_fits_and_votable() -> None:
    import astropy.units as u
    import numpy as np
    from astropy.io import fits
    from astropy.table import QTable

    table = QTable({"parallax": [10, 21.3] * u.mas, "name": ["a", "b"]})
    with tempfile.TemporaryDirectory() as folder:
        for form, file in (("fits", f"{folder}/t.fits"), ("votable", f"{folder}/t.xml")):
            table.write(file, format=form)
            read = QTable.read(file, format=form)
            assert read["parallax"].unit == u.mas
            assert np.isclose(read["parallax"].to_value(u.pc, u.parallax())[0], 100)
        assert fits.getheader(f"{folder}/t.fits", 1)["TUNIT1"] == "mas"


def check_numbers_are_compiled_and_spread() -> None:
    import dask.array as da
    import numba
    import numexpr
    import numpy as np

    @numba.njit
    def total(values: np.ndarray) -> float:
        found = 0.0
        for value in values:
            found += value * value
        return found

    values = np.arange(10_000.0)
    expected = (values**2).sum()
    assert np.isclose(total(values), expected)
    assert np.isclose(numexpr.evaluate("sum(values ** 2)"), expected)
    assert np.isclose((da.from_array(values, chunks=1000) ** 2).sum().compute(), expected)


def check_stars_are_clustered_fitted_and_found() -> None:
    import numpy as np
    import pandas as pd
    import statsmodels.formula.api as smf
    from skimage.measure import label
    from sklearn.cluster import DBSCAN

    rng = np.random.default_rng(20131219)
    sky = np.concatenate([rng.normal(centre, 0.1, (50, 2)) for centre in (0, 5)])
    assert set(DBSCAN(eps=0.5).fit_predict(sky)) == {0, 1}
    frame = pd.DataFrame({"x": np.arange(50.0)}).assign(y=lambda of: 3 * of.x + 1)
    assert np.allclose(smf.ols("y ~ x", frame).fit().params, [1, 3])
    assert label(np.array([[1, 0, 1], [1, 0, 0]])).max() == 2


def check_a_table_is_profiled() -> None:
    import numpy as np
    import pandas as pd
    from data_profiling import ProfileReport

    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"g": rng.normal(12, 2, NUMPY_STARS), "kind": rng.choice(["a", "b"], NUMPY_STARS)})
    page = ProfileReport(frame, title="Stars", minimal=True, progress_bar=False).to_html()
    assert "Stars" in page
    assert "<svg" in page


def check_a_task_graph_runs() -> None:
    import luigi

    class Square(luigi.Task):
        folder = luigi.Parameter()

        def output(self) -> luigi.LocalTarget:
            return luigi.LocalTarget(f"{self.folder}/square")

        def run(self) -> None:
            with self.output().open("w") as file:
                file.write("49")

    with tempfile.TemporaryDirectory() as folder:
        assert luigi.build([Square(folder=folder)], local_scheduler=True, log_level="ERROR")
        assert Path(folder, "square").read_text() == "49"


def check_a_pipeline_draws() -> None:
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "in.ipynb"), Path(folder, "out.ipynb")
        given.write_text(json.dumps(notebook("amplitude = 1", DRAWING, parameters=True)))
        subprocess.run(
            [sys.executable, "-m", "papermill", given, made, "-p", "amplitude", "3"],
            check=True,
            capture_output=True,
        )
        cells = json.loads(made.read_text())["cells"]
    assert [cell["source"] for cell in cells if "injected-parameters" in cell["metadata"]["tags"]], cells
    drawn = [
        output["data"]["image/png"]
        for output in cells[-1]["outputs"]
        if "image/png" in output.get("data", {})
    ]
    assert base64.b64decode(drawn[0]).startswith(PNG)


def check_scripts_and_templates_of_pages_were_made_at_the_build() -> None:
    from avi_kernel.interface.assets import OWN, Assets
    from avi_kernel.interface.bundle import Bundle

    assert Bundle(Assets(base_url="/", folder=OWN)).ahead().is_file()
    # A program whose compiler is taken away renders a page all the same.
    program = (
        "import asyncio, jinja2\n"
        "from avi_kernel.interface.ahead import rehearse\n"
        "jinja2.Environment.compile = None\n"
        "asyncio.run(rehearse())"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def check_an_interface_is_served() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "app.ipynb").write_text(
            json.dumps(notebook("amplitude = 1", DRAWING, "import ipywidgets; ipywidgets.IntSlider(7)"))
        )
        command = [sys.executable, "-m", "avi_kernel.interface", "--standalone", "--folder", folder]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as server:
            try:
                assert server.stdout is not None
                url, token = server.stdout.readline().strip().split("?token=")
                asked = urllib.request.Request(url, headers={"Authorization": f"token {token}"})
                with urllib.request.urlopen(asked, timeout=120) as answer:
                    page = answer.read().decode()
            finally:
                server.terminate()
    assert "data:image/png;base64,iVBOR" in page or '"image/png": "iVBOR' in page
    assert "application/vnd.jupyter.widget-view+json" in page


if __name__ == "__main__":
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            check()
            print(f"ok {name.removeprefix('check_')}", flush=True)
