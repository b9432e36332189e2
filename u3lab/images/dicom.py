"""Pictures out of DICOM files: the modality's units, the window of the viewer, then [0,1]. Needs pydicom.

Only the elements that describe pixels are read: the patient's name, dates and the rest of the header never are.
"""

from __future__ import annotations

import io
import os
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from u3lab.errors import U3Error

if TYPE_CHECKING:
    from pydicom import Dataset

PREAMBLE = 128  # bytes before the letters DICM
BYTES = 8  # of a pixel, at most, in a file that is packed as a whole
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
VALUES = ("PixelValueTransformationSequence", "FrameVOILUTSequence")  # where a frame's own slope and window are
PALETTES = tuple(f"{colour}PaletteColorLookupTable{part}" for colour in ("Red", "Green", "Blue")
                 for part in ("Descriptor", "Data"))
ELEMENTS = ("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns",
            "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "ModalityLUTSequence", "RescaleSlope",
            "RescaleIntercept", "WindowCenter", "WindowWidth", "VOILUTFunction", "ExtendedOffsetTable",
            "ExtendedOffsetTableLengths", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
            *(f"Segmented{name}" for name in PALETTES if name.endswith("Data")), *PALETTES, *PIXELS)


def is_dicom(file: Path | io.BytesIO) -> bool:
    """Whether a file says of itself that it is DICOM: by the letters DICM after its preamble, or by its name."""
    if isinstance(file, io.BytesIO):
        return file.getbuffer()[PREAMBLE:PREAMBLE + 4] == b"DICM"
    if file.suffix.lower() == ".dcm":
        return True
    try:
        with open(file, "rb") as opened:
            return opened.read(PREAMBLE + 4)[PREAMBLE:] == b"DICM"
    except OSError:
        return False  # whoever opens it next says why it cannot be read


def read(file: Path | io.BytesIO, given: str, most: int) -> np.ndarray:
    """The picture in a DICOM file; of several frames the middle one.

    Grey values go through the modality's table or slope, then through the first window of the file (without one, from
    the smallest value to the largest), and are turned over where the file shows small values bright (MONOCHROME1).

    Args:
        file: Path or bytes.
        given: What messages call the file.
        most: A picture with more pixels than this is not decoded.

    Returns:
        (H,W) or (H,W,3) RGB, float32 in [0,1].

    Raises:
        U3Error: No pydicom, not DICOM, no picture in it, too large, compressed in a way that no decoder here reads, or
            cut off.
    """
    return _opened(file, given, most, _picture)


def measured(file: Path | io.BytesIO, given: str, most: int) -> np.ndarray:
    """The grey values in a DICOM file in the modality's units, which are HU of a CT, and in no window: (H,W) float32.

    Parameters and errors as in :func:`read`; colour and values that are shown inverted are refused as well.
    """
    return _opened(file, given, most, _measured)


def _opened(file: Path | io.BytesIO, given: str, most: int, what: Callable[[Dataset, str], np.ndarray]) -> np.ndarray:
    try:
        import pydicom
    except ImportError:
        raise U3Error(f"{given} is a DICOM file and pydicom, which reads them, is not installed; "
                      "run `pip install pydicom` and restart") from None
    try:
        with warnings.catch_warnings(), open(file, "rb") if isinstance(file, os.PathLike) else file as opened:
            warnings.simplefilter("ignore")  # on small faults of the file, with values out of its header
            if _inflated(opened, most * BYTES) > most * BYTES:
                raise U3Error(f"{given} unpacks to over {most * BYTES // 10**6} MB; export one frame, uncompressed")
            dataset = pydicom.dcmread(opened, force=True, specific_tags=list(ELEMENTS))
            _check(dataset, given, most)
            return what(dataset, given)
    except U3Error:
        raise
    except Exception as error:  # the parser raises nearly anything on a broken file
        if isinstance(error, OSError) and error.strerror:
            raise U3Error(f"{given} cannot be opened ({error.strerror}); check the file and its permissions") from None
        raise U3Error(f"{given} is a damaged DICOM file or was cut off; copy or export it again") from None


def _inflated(opened: BinaryIO, most: int) -> int:
    """Bytes in a file that is packed as a whole, counted no further than just over ``most``; 0 for any other file."""
    from pydicom.filereader import _read_file_meta_info, read_preamble
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    read_preamble(opened, force=True)
    packed = _read_file_meta_info(opened).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian
    unpack, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    while packed and size <= most and (block := unpack.unconsumed_tail or opened.read(2**16)):
        size += len(unpack.decompress(block, 2**20))
    opened.seek(0)
    return size


def _check(dataset: Dataset, given: str, most: int) -> None:
    """Refuse what is no picture or too large, before anything is decoded."""
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if "Rows" not in dataset or not any(name in dataset for name in PIXELS):
        raise U3Error(f"{given} is not a DICOM file with a picture in it, or was cut off before it; give a whole one "
                      "with pixel data (CT, MR, X-ray, ultrasound…)")
    rows, columns = dataset.Rows or 0, dataset.get("Columns") or 0
    if not 0 < rows * columns <= most:
        raise U3Error(f"{given} has {columns}×{rows} pixels; give 1 to {most // 10**6} million")
    if "TransferSyntaxUID" not in dataset.file_meta:  # an old file that starts right with its data
        implicit, _ = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _decoded(dataset: Dataset, frame: int, given: str) -> np.ndarray:
    """A frame's values as the file holds them; YBR becomes RGB."""
    from pydicom.pixels import pixel_array

    try:
        return pixel_array(dataset, index=frame)
    except RuntimeError:  # no decoder, or none that could
        syntax = dataset.file_meta.TransferSyntaxUID
        how = "in an unknown way" if syntax.name == syntax else syntax.name  # an unknown one may hold any letters
        raise U3Error(f"{given} is compressed ({how}) and no decoder here reads it; run "
                      "`pip install \"pylibjpeg[all]\"` and restart, or export it uncompressed") from None


def _measured(dataset: Dataset, given: str) -> np.ndarray:
    """(H,W) float32."""
    from pydicom.pixels import apply_modality_lut

    kind = dataset.PhotometricInterpretation
    if kind != "MONOCHROME2":
        raise U3Error(f"{given} holds {kind}; a slice of grey values (MONOCHROME2) is wanted")
    return np.array(apply_modality_lut(_decoded(dataset, 0, given), dataset), np.float32)


def _picture(dataset: Dataset, given: str) -> np.ndarray:
    """(H,W) or (H,W,3), float32 in [0,1]."""
    from pydicom.pixels import apply_color_lut, apply_modality_lut

    frame = int(dataset.get("NumberOfFrames") or 1) // 2
    values, kind = _decoded(dataset, frame, given), dataset.PhotometricInterpretation
    if kind == "PALETTE COLOR":
        colours = apply_color_lut(values, dataset)
        return _shares(colours, np.iinfo(colours.dtype).max)
    if values.ndim == 3:
        return _shares(values, 2**dataset.BitsStored - 1)
    _take_from_groups(dataset, frame)
    grey = _windowed(np.array(apply_modality_lut(values, dataset), np.float64), dataset)
    return (1 - grey if kind == "MONOCHROME1" else grey).astype(np.float32)


def _shares(values: np.ndarray, largest: int) -> np.ndarray:
    """Whole numbers from 0 to ``largest`` as float32 from 0 to 1, divided in float64, one channel at a time."""
    made = np.empty(values.shape, np.float32)
    for channel in range(values.shape[2]):
        made[..., channel] = values[..., channel] / largest
    return made


def _take_from_groups(dataset: Dataset, frame: int) -> None:
    """Many-framed files keep slope and window in groups, for all frames or one by one: put this frame's on top."""
    groups = [*(dataset.get("SharedFunctionalGroupsSequence") or [])[:1],
              *(dataset.get("PerFrameFunctionalGroupsSequence") or [])[frame:frame + 1]]
    for item in (item for group in groups for name in VALUES for item in (group.get(name) or [])[:1]):
        dataset.update(item)


def _windowed(x: np.ndarray, dataset: Dataset) -> np.ndarray:
    """The window [c − w/2, c + w/2] becomes [0,1] (DICOM part 3, C.11.2.1.2 and C.11.2.1.3)."""
    c, w = (np.ravel(dataset.get(name, np.nan)).astype(float)[0] for name in ("WindowCenter", "WindowWidth"))
    how = dataset.get("VOILUTFunction") or "LINEAR"
    if not (np.isfinite(c) and w >= (1 if how == "LINEAR" else 1e-6)):
        low, high = x.min(), x.max()
        return (x - low) / (high - low if high > low else 1)
    if how == "SIGMOID":
        return 1 / (1 + np.exp(-4 * (x - c) / w))
    if how == "LINEAR":  # its formula counts whole grey levels
        c, w = c - 0.5, max(w - 1, 1e-6)
    return np.clip((x - c) / w + 0.5, 0, 1)
