"""Notebooks as the site shows them."""

from __future__ import annotations

import nbformat


def read(text: str) -> nbformat.NotebookNode:
    """A notebook whose pictures have the alt text of their metadata, where MyST-NB looks for it."""
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        alts = [kind["alt"] for output in cell.get("outputs", ()) for kind in output.get("metadata", {}).values()
                if "alt" in kind]
        if alts:
            cell.metadata["mystnb"] = {"image": {"alt": " ".join(alts)}}
    return notebook
