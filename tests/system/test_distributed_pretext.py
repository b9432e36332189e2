"""Two processes that share a batch learn a pretext task as one process does that has it all."""

from tests.system.two_processes import needs_distributed, same_learning, shared

# Batch norms see their own process's part of the batch: without them, nothing may differ.
PROGRAM = """
from tests.helpers import without_norms
from tests.selfsup.test_contract import raw
from u3lab.selfsup import PretextSettings, encoder, head_of, pretrain

found = {}
for name in ("order", "sorting", "correspondence", "sound", "moving"):
    net = encoder(2, seed=0)
    head = head_of(net, name)
    without_norms(net), without_norms(head)
    net.eval(), head.eval()
    settings = PretextSettings(steps=6, batch_size=4, lr=0.003)
    steps = list(pretrain(net, raw(name), name, head=head, settings=settings))
    found[name] = (torch.tensor([[step.loss, step.value] for step in steps], dtype=torch.float64),
                   torch.cat([w.detach().flatten() for w in (*net.parameters(), *head.parameters())]))
"""


@needs_distributed
def test_two_processes_learn_a_pretext_task_as_one_does(tmp_path):
    same_learning(*shared(PROGRAM, tmp_path), moves=slice(0, 1))
