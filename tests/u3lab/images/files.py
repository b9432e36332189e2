"""Files of pictures, made in memory: what Pillow writes, PNGs put together chunk by chunk, DICOM."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def saved(picture: Image.Image, form: str, **options: object) -> bytes:
    """The bytes of a file of this format."""
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def turned(turn: int = 6, maker: str = "") -> Image.Exif:
    """EXIF that says how the camera was turned: 6 is by 90 degrees clockwise."""
    exif = Image.Exif()
    exif[0x0112] = turn
    if maker:
        exif[0x010F] = maker
    return exif


def chunk(kind: bytes, content: bytes) -> bytes:
    """A part of a PNG, with its sum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, rows: bytes, *more: bytes, colours: int = 2, bits: int = 8,
        packed: bytes = b"") -> bytes:
    """A PNG written by hand, with what Pillow would not write; ``more`` are chunks before its rows."""
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    return b"".join([b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *more,
                     chunk(b"IDAT", packed or zlib.compress(rows)), chunk(b"IEND", b"")])


def dicom(array: np.ndarray, bits: int | None = None, kind: str = "", syntax: str = "1.2.840.10008.1.2.1",
          encapsulated: bytes | None = None, **elements: object) -> bytes:
    """A DICOM file: ``array`` is (H,W), (H,W,3) or, with NumberOfFrames in ``elements``, (frames,H,W)."""
    import pydicom

    data, bits = pydicom.Dataset(), bits or 8 * array.itemsize
    kind = kind or ("RGB" if array.shape[-1] == 3 and array.ndim == 3 else "MONOCHROME2")
    colour = kind in ("RGB", "YBR_FULL")
    data.SamplesPerPixel, data.PhotometricInterpretation = 3 if colour else 1, kind
    data.Rows, data.Columns = array.shape[-3:-1] if colour else array.shape[-2:]
    if colour:
        data.PlanarConfiguration = 0
    data.BitsAllocated, data.PixelRepresentation = 8 * array.itemsize, int(array.dtype.kind == "i")
    data.BitsStored, data.HighBit = bits, bits - 1
    data.PixelData = array.tobytes() if encapsulated is None else pydicom.encaps.encapsulate([encapsulated])
    for name, value in elements.items():
        setattr(data, name, value)
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    if syntax == pydicom.uid.RLELossless and encapsulated is None:
        data.compress(syntax)
    else:
        data.file_meta.TransferSyntaxUID = syntax
    file = io.BytesIO()
    pydicom.dcmwrite(file, data, enforce_file_format=True)
    return file.getvalue()
