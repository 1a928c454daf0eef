"""Squares of the first numbers, and their sum."""

import json

from avi_kernel.pipelines import AviParameter, AviTask


class Numbers(AviTask):
    """The first whole numbers."""

    count = AviParameter(10, help="How many numbers.", minimum=1, maximum=1000)

    def output(self):
        return self.target("numbers.json")

    def run(self):
        with self.output().open("w") as file:
            json.dump(list(range(self.count)), file)


class SumOfSquares(AviTask):
    """Sum of their squares."""

    count = AviParameter(10, help="How many numbers.", minimum=1, maximum=1000)
    fail = AviParameter(False, help="Raise instead.")

    def requires(self):
        return Numbers(count=self.count)

    def output(self):
        return self.target("total.json", title="Sum of squares")

    def run(self):
        if self.fail:
            raise RuntimeError("asked to fail")
        with self.input().open() as file:
            numbers = json.load(file)
        self.progress(0.5, "squaring")
        with self.output().open("w") as file:
            json.dump({"total": sum(n * n for n in numbers)}, file)
