"""Attention in blocks against attention under the whole mask, on numbers of our own."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra hf: pip install 'culturesim[hf]'")
pytest.importorskip("transformers", reason="needs the extra hf: pip install 'culturesim[hf]'")

from culturesim.backends import load  # noqa: E402
from culturesim.backends.hf_attention import NAME, _attend, attends_in_blocks, with_blocks  # noqa: E402
from tests.tiny_models import save_model  # noqa: E402

HELD, LINE, LINES = 5, 3, 4
ROWS = LINE * LINES


def pack_mask():
    """Lines of three tokens that see what is at hand and, of the pack, what is above them in their line."""
    sees = torch.zeros(ROWS, HELD + ROWS, dtype=torch.bool)
    sees[:, :HELD] = True
    for row in range(ROWS):
        sees[row, HELD + row - row % LINE : HELD + row + 1] = True
    return torch.zeros(sees.shape).masked_fill(~sees, torch.finfo(torch.float32).min)[None, None]


def attended(mask, **more):
    module = torch.nn.Module()
    module.num_key_value_groups, module.is_causal = 2, True
    chance = torch.Generator().manual_seed(1)
    query = torch.randn(1, 4, ROWS, 8, generator=chance)
    key, value = (torch.randn(1, 2, HELD + ROWS, 8, generator=chance) for _ in range(2))
    return _attend(module, query, key, value, mask, **more)[0]


@pytest.mark.parametrize("rows", [1, 2, 3, 5, ROWS])
def test_blocks_give_what_the_whole_mask_gives(rows):
    assert torch.allclose(attended(with_blocks(pack_mask(), rows)), attended(pack_mask()), atol=1e-6)


def test_a_block_has_no_columns_but_those_it_sees():
    blocks = with_blocks(pack_mask(), LINE).blocks
    assert [(block.first, block.last) for block in blocks] == [(0, 3), (3, 6), (6, 9), (9, 12)]
    assert blocks[1].columns.tolist() == [*range(HELD), *range(HELD + 3, HELD + 6)]


def test_every_row_is_in_one_block():
    blocks = with_blocks(pack_mask(), 5).blocks
    assert [row for block in blocks for row in range(block.first, block.last)] == list(range(ROWS))


def test_a_mask_that_was_changed_is_taken_as_it_is():
    changed = with_blocks(pack_mask(), LINE) + 0.0
    assert torch.allclose(attended(changed), attended(pack_mask()), atol=1e-6)


@pytest.mark.parametrize(("shape", "ours"), [("llama", True), ("gemma3", True), ("bloom", False)])
def test_models_with_an_interface_attend_in_blocks(tmp_path, shape, ours):
    model = load(f"hf/{save_model(tmp_path, shape)}")._weights.model
    assert attends_in_blocks(model) is ours
    assert (model.config._attn_implementation == NAME) is ours


def test_a_models_masks_reach_its_attention_with_their_blocks(tmp_path, monkeypatch):
    backend = load(f"hf/{save_model(tmp_path, 'gemma3')}")
    seen = []
    attend = torch.nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(
        torch.nn.functional,
        "scaled_dot_product_attention",
        lambda query, key, *rest, **more: seen.append(key.shape[2]) or attend(query, key, *rest, **more),
    )
    engine = backend._chosen.engine
    engine._rows = 2
    tree = engine.plant()
    wanted = [tree.add([5, 6, 7, last, last]) for last in range(8, 16)]
    assert len(dict(engine.walk(tree, wanted))) == 8
    assert max(seen) < len(tree)  # not one of the products was with all that is in the pack
