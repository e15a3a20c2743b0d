"""Small real data sets for the built-in algorithms, as a producer would deliver them.

One data set for each row of the catalogue, as objects of the raw zone for three months. The data
lie in packages that ship them; these are installed into an environment of their own when a data set
is first asked for, and what is made of them is kept below `.flywheel/`.
"""

from flywheel.samples.files import MONTHS
from flywheel.samples.kept import keys, raw_objects

__all__ = ["MONTHS", "keys", "raw_objects"]
