"""faiss's indexes by the names that Amazon gives them, and the reductions before them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from scipy.fft import dct

from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError

FLAT, IVF_FLAT, IVF_PQ = "faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ"
NUM_PROBES = 5
"""Lists that are searched. Source: the default configuration that Amazon's container logs."""
_PQ_BITS = 8
_PQ_PARTS = (96, 64, 56, 48, 40, 32, 28, 24, 20, 16, 12, 8, 4, 3, 2, 1)


@dataclass(frozen=True)
class Reduction:
    """What is done to rows before they are indexed or searched for.

    Attributes:
        input_dim: of the rows.
        kind: sign, fjlt, or None for no reduction.
        target_dim: after the reduction.
        index_dim: after zeros are appended.
        normalize: each row to length 1, for cosine similarity; after the projection, which keeps
            lengths only roughly.
        seed: of the random projection.
    """

    input_dim: int
    kind: str | None
    target_dim: int
    index_dim: int
    normalize: bool
    seed: int

    def of(self, rows: Array) -> Array:
        """n × index_dim of n × input_dim."""
        if self.kind:
            rows = self._projected(rows)
        if self.normalize:
            lengths = np.linalg.norm(rows, axis=1, keepdims=True)
            rows = rows / np.where(lengths == 0, 1, lengths)
        padding = self.index_dim - rows.shape[1]
        reduced: Array = np.ascontiguousarray(np.pad(rows, ((0, 0), (0, padding))), np.float32)
        return reduced

    def _projected(self, rows: Array) -> Array:
        # RandomState, because numpy promises that its numbers never change for a seed.
        random = np.random.RandomState(self.seed)
        if self.kind == "sign":
            signs = random.choice([-1.0, 1.0], (self.input_dim, self.target_dim))
            projected: Array = rows @ signs / np.sqrt(self.target_dim)
        else:
            signs = random.choice([-1.0, 1.0], self.input_dim)
            kept = random.permutation(self.input_dim)[: self.target_dim]
            spread = dct(rows * signs, norm="ortho", axis=1)[:, kept]
            projected = spread * np.sqrt(self.input_dim / self.target_dim)
        return projected


def num_parts(asked: int | None, dim: int) -> int:
    """Into how many parts product quantization cuts a vector.

    Where the request does not say: the most of those that Amazon's guide lists that divide the
    dimension and leave four numbers or more to each part.
    """
    return asked or next(m for m in _PQ_PARTS if dim % m == 0 and (4 * m <= dim or m == 1))


def build(index_type: str, rows: Array, *, inner_product: bool, lists: int, parts: int) -> Any:
    """A trained index that holds the rows.

    Raises:
        RefusedError: there are too few rows for this index.
    """
    dim = rows.shape[1]
    metric = faiss.METRIC_INNER_PRODUCT if inner_product else faiss.METRIC_L2
    if index_type == FLAT:
        index = faiss.IndexFlat(dim, metric)
    else:
        _check_enough(index_type, len(rows), lists)
        quantizer = faiss.IndexFlat(dim, metric)
        if index_type == IVF_FLAT:
            index = faiss.IndexIVFFlat(quantizer, dim, lists, metric)
        else:
            index = faiss.IndexIVFPQ(quantizer, dim, lists, parts, _PQ_BITS, metric)
            index.pq.cp.min_points_per_centroid = 1  # else it warns below 39 rows for each
        index.cp.min_points_per_centroid = 1
        index.nprobe = NUM_PROBES
        index.train(rows)
    index.add(rows)
    return index


def search(index: Any, rows: Array, k: int) -> tuple[Array, Array]:
    """The k nearest of each row, nearest first: distances and numbers.

    Distances are faiss's: squared for L2; for inner product and cosine the similarities, whose
    sign is turned so that here, too, the smallest comes first.
    """
    distances, found = index.search(rows, k)
    missing = (found < 0).any(axis=1)  # the searched lists hold fewer than k
    if missing.any():
        everywhere = faiss.SearchParametersIVF(nprobe=index.nlist)
        distances[missing], found[missing] = index.search(rows[missing], k, params=everywhere)
    return (-distances if index.metric_type == faiss.METRIC_INNER_PRODUCT else distances), found


def _check_enough(index_type: str, num_rows: int, lists: int) -> None:
    if num_rows < lists:
        raise RefusedError(
            f"faiss_index_ivf_nlists is {lists} and the sample has {num_rows} rows; there must be "
            "a row for each list"
        )
    if index_type == IVF_PQ and num_rows < 1 << _PQ_BITS:
        raise RefusedError(
            f"index_type is {IVF_PQ} and the sample has {num_rows} rows; it must have at least "
            f"{1 << _PQ_BITS}. Use {FLAT}"
        )
