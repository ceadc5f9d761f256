"""``DataLoader``, under the module that some programs import it from."""

from ...data import DataLoader as DataLoader, default_collate as default_collate
