"""The head of a GGUF file, written here by the reference package and read by ours."""

import struct

import pytest

from culturesim.backends.gguf_header import quantisation, read_header
from culturesim.errors import BackendError

gguf = pytest.importorskip("gguf", reason="needs the package gguf")


@pytest.fixture
def path(tmp_path):
    writer = gguf.GGUFWriter(tmp_path / "made.gguf", "llama")
    writer.add_file_type(3)
    writer.add_array("tokenizer.ggml.tokens", ["a", "ب", "丙"])
    writer.add_array("numbers", [1, 2, 3])
    writer.add_float32("rope", 0.5)
    writer.add_bool("flag", True)
    writer.add_chat_template("{{ messages }} ✓")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return tmp_path / "made.gguf"


def test_scalars_are_read_and_lists_skipped(path):
    header = read_header(path)
    assert header["general.architecture"] == "llama"
    assert header["tokenizer.chat_template"] == "{{ messages }} ✓"
    assert (header["rope"], header["flag"]) == (0.5, True)
    assert "numbers" not in header
    assert "tokenizer.ggml.tokens" not in header


def test_quantisations_go_by_their_usual_names(path):
    assert quantisation(read_header(path)) == "Q4_1"
    assert quantisation({"general.file_type": 999}) == "file type 999"
    assert quantisation({}) == "not told"


@pytest.mark.parametrize("keep", [4, 12, 40, 90])
def test_a_file_cut_short_is_called_damaged(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BackendError, match="damaged"):
        read_header(path)


def test_lengths_that_no_file_has_are_damage_too(path):
    path.write_bytes(b"GGUF" + struct.pack("<IQQQ", 3, 0, 5, 2**63))
    with pytest.raises(BackendError, match="damaged"):
        read_header(path)


def test_another_format_is_called_so(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"PK\x03\x04")
    with pytest.raises(BackendError, match="not a GGUF file"):
        read_header(tmp_path / "x.gguf")
