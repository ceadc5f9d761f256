"""Where the built pages are."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import FileError


def built_pages() -> Path:
    """The folder with the pages: where the package's build puts them, unless ``UPRIVER_PAGES`` names another.

    Raises:
        FileError: they are not built.
    """
    folder = Path(os.environ.get("UPRIVER_PAGES") or Path(__file__).parent / "pages")
    if not (folder / "index.html").is_file():
        raise FileError(
            f"the pages are not built: {folder} has no index.html",
            "Install a released package; in the source, run npm ci and npm run build in the folder web.",
            at=False,
        )
    return folder
