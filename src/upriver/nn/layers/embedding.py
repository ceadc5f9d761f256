"""A table of vectors, looked up by integers."""

from __future__ import annotations

from typing import Any

from ...core.tensor import Parameter, Tensor, as_tensor
from ...errors import ArgumentError, ShapeError
from .. import functional as F, init
from ..module import Module
from .sizes import check_size, empty


class Embedding(Module):
    """Row ``i`` of a trained table for every integer ``i`` of the input. The table starts normal(0, 1).

    Args:
        num_embeddings: number of rows.
        embedding_dim: length of a row.
        padding_idx: a row that starts at 0 and gets no gradient.
        device: the CPU.
        dtype: of the table; default float32.

    Shape:
        integers (...) → (..., embedding_dim); weight (num_embeddings, embedding_dim).

    Raises:
        ArgumentError: a size is not a whole number, or there is no row ``padding_idx``.

    Example:
        >>> import upriver as ur
        >>> ur.nn.Embedding(10, 4)(ur.tensor([[1, 2, 3]])).shape
        (1, 3, 4)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        check_size("Embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ArgumentError(
                    f"Embedding: there is no row padding_idx={padding_idx} among {num_embeddings}",
                    f"Use one of 0 to {num_embeddings - 1}.",
                )
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.weight = empty(num_embeddings, embedding_dim, dtype=dtype, device=device)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None) -> Embedding:
        """A layer around a table that there is already, (rows, length), by default not trained further.

        Raises:
            ShapeError: the table does not have two dimensions.
        """
        table = as_tensor(embeddings)
        if table.ndim != 2:
            raise ShapeError(f"Embedding.from_pretrained: a table of shape {list(table.shape)}, not (rows, length)")
        layer = cls(table.shape[0], table.shape[1], padding_idx, dtype=table.dtype)
        layer.weight = Parameter(table, requires_grad=not freeze)
        return layer

    def forward(self, input: Any) -> Tensor:
        """Integers (...) → (..., embedding_dim)."""
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = f", padding_idx={self.padding_idx}" if self.padding_idx is not None else ""
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
