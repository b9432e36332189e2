"""Notebooks as the site shows them."""

from __future__ import annotations

import re

import nbformat

ANCHOR = re.compile(r"(?:(?<=\.ipynb)|(?<=\]\())#[\w:-]+(?=\))")  # JupyterLab's name of a heading, here or elsewhere


def read(text: str) -> nbformat.NotebookNode:
    """A notebook whose pictures have the alt text of their metadata, where MyST-NB looks for it.

    Anchors of headings are in small letters on the site, without a colon; JupyterLab keeps both.
    """
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = ANCHOR.sub(lambda found: found[0].lower().replace(":", ""), cell.source)
        alts = [kind["alt"] for output in cell.get("outputs", ()) for kind in output.get("metadata", {}).values()
                if "alt" in kind]
        if alts:
            cell.metadata["mystnb"] = {"image": {"alt": " ".join(alts)}}
    return notebook
