"""The sequence network's parts against torch's own."""

import torch
from torch.nn import functional

from matinee.models.deep.sequence_network import Codes


def test_codes_learn_as_a_bag_of_embeddings_does():
    """The gradient of a weighted sum, by the table: what `embedding_bag` gives, times the pace of a quarter."""
    torch.manual_seed(0)
    codes = Codes((4, 3, 9), 5, dropout=0.0)
    named = torch.stack([torch.randint(0, fields, (50,)) for fields in (4, 3, 6)], dim=1)
    weights = torch.randn(50, 5)
    table = torch.randn(16, 5, requires_grad=True)
    with torch.no_grad():
        codes.table.copy_(table)
    sums = functional.embedding_bag(named + torch.tensor([0, 4, 7]), table, mode="sum")
    (expected,) = torch.autograd.grad((weights * 0.25 * sums).sum(), table)
    (found,) = torch.autograd.grad((weights * codes(named)).sum(), codes.table)
    torch.testing.assert_close(codes(named), 0.25 * sums)
    torch.testing.assert_close(found, expected)
    assert not found[13:].any()  # the third field's last three codes stand in no row
