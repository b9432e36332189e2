"""DICOM files, made in memory: units, windows, photometric kinds, frames, compression, and what is refused."""

import gc
import io
import logging
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from tests.u3lab.images.files import dicom
from u3lab import U3Error, images
from u3lab.images import dicom as reader

pydicom = pytest.importorskip("pydicom", minversion="3.0")
uid = pydicom.uid
SECRET = "Doe^Jane"


def made(array: np.ndarray, bits: int = 12, kind: str = "MONOCHROME2", *more: object, **elements: object) -> bytes:
    """A DICOM file of a patient, of twelve bits unless it is said otherwise."""
    return dicom(array, bits, kind, *more, **{"PatientName": SECRET, "PatientBirthDate": "19700101", **elements})


def grey(file: bytes) -> torch.Tensor:
    """The one channel (H,W) of a grey picture, which must stand in all three."""
    x = images.load(file)
    assert x.dtype == torch.float32 and x.shape[:2] == (1, 3) and torch.equal(x[:, 0], x[:, 2])
    return x[0, 0]


def item(**elements: object) -> pydicom.Dataset:
    """One item of a sequence."""
    data = pydicom.Dataset()
    for name, value in elements.items():
        setattr(data, name, value)
    return data


RAMP = np.arange(0, 4096, 273, dtype=np.uint16).reshape(4, 4)  # 0 … 4095: all of twelve bits
EVEN = torch.linspace(0, 1, 16).view(4, 4)


def close(x: torch.Tensor, wanted: torch.Tensor) -> None:
    torch.testing.assert_close(x, wanted.to(torch.float32), atol=1e-5, rtol=0)


def test_twelve_bits_from_the_smallest_to_the_largest_value():
    assert grey(made(np.full((3, 3), 7, np.uint16))).unique().tolist() == [0]
    close(grey(made(RAMP)), EVEN)
    close(grey(made(RAMP // 2 + 1000)), torch.from_numpy((RAMP // 2).astype(np.float32)) / 2047)


def test_signed_values_with_slope_and_intercept_in_a_window():
    raw = np.array([[-1000, 0], [1040, 3000]], np.int16)
    file = made(raw, 16, RescaleSlope=2, RescaleIntercept=-1024, WindowCenter=56, WindowWidth=401)
    hounsfield = raw * 2.0 - 1024  # −3024, −1024, 1056, 4976
    assert grey(file).flatten().tolist() == [0, 0, 1, 1] and hounsfield.min() < -144 and hounsfield.max() > 256
    middle = made(np.array([[540, 590]], np.int16), 16, RescaleSlope=2, RescaleIntercept=-1024, WindowCenter=56.5,
                  WindowWidth=401)
    close(grey(middle), torch.tensor([[0.5, 0.75]]))


def test_monochrome1_is_turned_over():
    close(grey(made(RAMP, kind="MONOCHROME1")), 1 - EVEN)
    window = {"WindowCenter": [2048, 9], "WindowWidth": [4096, 1]}  # the first of two
    close(grey(made(RAMP, kind="MONOCHROME1", **window)), 1 - EVEN)


@pytest.mark.parametrize(("row", "window", "wanted"), [
    ([0, 50, 100], {"VOILUTFunction": "LINEAR", "WindowCenter": 50, "WindowWidth": 100}, [0.0, 0.5 / 99 + 0.5, 1.0]),
    ([0, 50, 100], {"VOILUTFunction": "LINEAR_EXACT", "WindowCenter": 50, "WindowWidth": 100}, [0.0, 0.5, 1.0]),
    ([0, 50, 100], {"VOILUTFunction": "SIGMOID", "WindowCenter": 50, "WindowWidth": 100}, [0.1192, 0.5, 0.8808]),
    ([-50, 0, 50], {"WindowCenter": 0.5, "WindowWidth": 101}, [0, 0.5, 1]),
    ([-50, 0, 50], {"WindowCenter": 0, "WindowWidth": 1}, [0, 1, 1])])
def test_each_kind_of_window(row, window, wanted):
    assert grey(made(np.array([row], np.int16), 16, **window))[0].tolist() == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("window", [{"WindowCenter": 5, "WindowWidth": 0}, {"WindowCenter": 5}, {"WindowWidth": 9},
                                    {"WindowCenter": None, "WindowWidth": None}])
def test_a_window_that_is_none_is_left_out(window):
    close(grey(made(RAMP, **window)), EVEN)


def test_a_modality_table():
    table = item(LUTDescriptor=[3, 0, 16], LUTData=np.array([10, 30, 20], np.uint16).tobytes(), ModalityLUTType="US")
    close(grey(made(np.array([[0, 1, 2]], np.uint16), ModalityLUTSequence=[table])), torch.tensor([[0, 1, 0.5]]))


COLOURS = np.arange(0, 240, 5, dtype=np.uint8).reshape(4, 4, 3)


def test_rgb_of_eight_and_sixteen_bits():
    wanted = torch.from_numpy(COLOURS).permute(2, 0, 1)[None] / 255
    close(images.load(made(COLOURS, 8, "RGB")), wanted)
    close(images.load(made(COLOURS.astype(np.uint16) * 257, 16, "RGB")), wanted)


def test_ybr_becomes_rgb():
    red = np.array([[[76, 85, 255]]], np.uint8)
    close(images.load(made(np.repeat(red, 4, 1), 8, "YBR_FULL"))[0, :, 0, 0].round(decimals=1), torch.tensor([1, 0, 0]))


def test_a_palette():
    colours = {f"{name}PaletteColorLookupTableDescriptor": [2, 0, 16] for name in ("Red", "Green", "Blue")}
    colours |= {f"{name}PaletteColorLookupTableData": np.array([0, value], np.uint16).tobytes()
                for name, value in (("Red", 65535), ("Green", 0), ("Blue", 65535))}
    x = images.load(made(np.array([[0, 1]], np.uint8), 8, "PALETTE COLOR", **colours))
    assert x[0, :, 0].T.tolist() == [[0, 0, 0], [1, 0, 1]]


def test_of_several_frames_the_middle_one():
    frames = np.stack([RAMP, RAMP[::-1], RAMP * 0])
    close(grey(made(frames, NumberOfFrames=3)), EVEN.flip(0))


def test_a_frame_has_its_own_slope_and_window():
    frames = np.array([[[0, 10, 20]]] * 3, np.uint16)
    own = [item(PixelValueTransformationSequence=[item(RescaleSlope=slope, RescaleIntercept=0)]) for slope in (1, 3, 9)]
    shared = [item(FrameVOILUTSequence=[item(WindowCenter=30, WindowWidth=60, VOILUTFunction="LINEAR_EXACT")])]
    file = made(frames, NumberOfFrames=3, SharedFunctionalGroupsSequence=shared, PerFrameFunctionalGroupsSequence=own)
    close(grey(file), torch.tensor([[0, 0.5, 1]]))


def test_jpeg_inside():
    picture = io.BytesIO()
    Image.new("L", (16, 8), 100).save(picture, "JPEG")
    file = made(np.zeros((8, 16), np.uint8), 8, syntax=uid.JPEGBaseline8Bit, encapsulated=picture.getvalue(),
                RescaleSlope=1, RescaleIntercept=0, WindowCenter=100, WindowWidth=200, VOILUTFunction="LINEAR_EXACT")
    close(grey(file), torch.full((8, 16), 0.5))


def test_a_file_is_known_by_its_letters_or_its_name(tmp_path):
    content = made(RAMP)
    for name in ("IM0001", "slice.dcm", "SLICE.DCM"):
        (tmp_path / name).write_bytes(content)
        close(images.load(tmp_path / name)[0, 1], EVEN)
    assert images.load(content, size=2).shape == (1, 3, 2, 2)


def test_an_old_file_without_preamble(tmp_path):
    for name, syntax in (("a.dcm", uid.ImplicitVRLittleEndian), ("b.dcm", uid.ExplicitVRLittleEndian)):
        content = made(RAMP, syntax=syntax)
        length = int.from_bytes(content[140:144], "little")  # of the group with the transfer syntax, which goes too
        (tmp_path / name).write_bytes(content[144 + length:])
        close(images.load(tmp_path / name)[0, 0], EVEN)


def test_the_patient_is_not_read(monkeypatch):
    seen, check = [], reader._check

    def spy(dataset, given, most):
        seen.append(str(dataset))
        check(dataset, given, most)

    monkeypatch.setattr(reader, "_check", spy)
    grey(made(RAMP))
    assert "Rows" in seen[0] and SECRET not in seen[0] and "Patient" not in seen[0]


def refusal(content: bytes) -> str:
    """The message, which names no patient and is one line."""
    with pytest.raises(U3Error) as caught:
        images.load(content)
    message = str(caught.value)
    assert message.startswith("bytes of length") and SECRET not in message and "\n" not in message
    return message


def test_without_pydicom(monkeypatch):
    content = made(RAMP)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    assert "pip install pydicom" in refusal(content)


@pytest.mark.parametrize(("syntax", "name"), [(uid.JPEGLSLossless, "JPEG-LS Lossless"), (uid.MPEG2MPML, "MPEG2"),
                                              (uid.JPEGBaseline8Bit, "JPEG Baseline")])
def test_compressed_without_a_decoder_that_reads_it(syntax, name):
    message = refusal(made(RAMP, syntax=syntax, encapsulated=b"anything"))
    assert f"is compressed ({name}" in message and "pylibjpeg" in message


def test_without_pixels():
    file = pydicom.dcmread(io.BytesIO(made(RAMP)))
    del file.PixelData
    content = io.BytesIO()
    file.save_as(content)
    assert "not a DICOM file with a picture" in refusal(content.getvalue())
    assert "not a DICOM file with a picture" in refusal(bytes(128) + b"DICM")


@pytest.mark.parametrize("left", [200, 400, -1, -20])
def test_truncated(left, caplog, recwarn):
    content = made(RAMP)
    gc.collect()  # files and sockets that other tests have left open warn here, not below
    recwarn.clear()
    with caplog.at_level(logging.WARNING):
        message = refusal(content[:left])
    assert "was cut off" in message or "cut off before it" in message
    warned = [str(one.message) for one in recwarn.list if one.category is not ResourceWarning]
    assert not warned and SECRET not in caplog.text


def test_nonsense_in_the_header():
    for nonsense in ({"BitsAllocated": 7}, {"PhotometricInterpretation": "GREYISH"}, {"NumberOfFrames": 5}):
        assert "damaged" in refusal(made(RAMP, **nonsense))
    refusal(bytes(128) + b"DICM" + bytes(range(256)) * 9)
    assert "0×4 pixels" in refusal(made(RAMP, Columns=0))
    assert "50 million" in refusal(made(RAMP, Rows=60000, Columns=60000))
