"""A menu of pictures to which the student can add a picture of their own."""

from collections.abc import Sequence
from typing import Any

import ipywidgets as w
import traitlets as t

from u3lab import images
from u3lab.checks import listed
from u3lab.errors import U3Error
from u3lab.live.explorer import slip

KINDS = "image/*,.dcm,.dicom"


class PictureBox(w.VBox):
    """A control whose value is the name of a shipped picture, or the bytes of the student's file.

    Both go straight into ``images.load(value, size=…)``. A file that is not a picture gives one line of text, and the
    value stays. DICOM files work where pydicom is installed. Nothing leaves the kernel's memory.

    Args:
        names: Shipped pictures in the menu, or one; by default all of "everyday".

    Raises:
        U3Error: A name that no shipped picture has.
    """

    value = t.Any()

    def __init__(self, names: Sequence[str] | str | None = None, description: str = "picture") -> None:
        if names is None:
            names = images.names("everyday")
        names = listed("names", [names] if isinstance(names, str) else names, str, "names of pictures")
        for name in names:
            images.caption(name)  # refuses a name that is not shipped
        self.menu = w.Dropdown(options=[(name, name) for name in names], value=names[0], description=description)
        self.upload = w.FileUpload(accept=KINDS, description="your own", tooltip="a photo or DICOM file of yours")
        self.line = w.HTML()
        self.menu.observe(self._chosen, names="value")
        self.upload.observe(self._uploaded, names="value")
        super().__init__([w.HBox([self.menu, self.upload]), self.line], value=names[0])

    def _chosen(self, change: dict[str, Any]) -> None:
        self.line.value = ""
        self.value = change["new"]

    def _uploaded(self, change: dict[str, Any]) -> None:
        if not change["new"]:
            return
        file = change["new"][0]
        content = bytes(file["content"])
        try:
            images.load(content)
        except U3Error as error:
            words = str(error).removeprefix(f"bytes of length {len(content)} ")
            self.line.value = slip(U3Error(f"{file['name']}{' ' if words != str(error) else ': '}{words}"))
            return
        known = [option for option in self.menu.options if isinstance(option[1], str)]
        with self.hold_trait_notifications():  # a menu with new options falls back to its first one for a moment
            self.menu.options = [*known, (f"your own: {file['name']}", content)]
            self.menu.value = content
