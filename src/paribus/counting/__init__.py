"""Any table, counted where it lives: only the contingency table comes back.

A frame of pandas, polars or pyarrow is counted in memory, a Parquet or CSV file in batches, and
what lives elsewhere (DuckDB, PySpark, Dask, Ibis, lazy polars) by its own engine.
"""

from paribus.counting.codes import Binned, Scalar
from paribus.counting.source import Source
from paribus.counting.tallies import Tally

__all__ = ["Binned", "Scalar", "Source", "Tally"]
