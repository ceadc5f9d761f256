"""``Parameter``, under the module that some programs import it from."""

from ..core.tensor import Parameter as Parameter
