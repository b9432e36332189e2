"""Two processes that share a batch of pairs learn a labelling as one process does that has it all."""

from tests.system.two_processes import needs_distributed, same_learning, shared

# Batch norms see their own process's part of the batch: without them, nothing may differ.
PROGRAM = """
from tests.helpers import without_norms
from tests.landmarks.test_training import blobs
from u3lab.landmarks import LabelSettings, labeller, train_labeller

found = {}
for loss, exchange in (("labelling", False), ("labelling", True), ("landmarks", False)):
    net = labeller(4, 3, seed=0)
    without_norms(net)
    settings = LabelSettings(steps=4, batch_size=4, exchange=exchange, queries=30)
    losses = [step.loss for step in train_labeller(net.eval(), blobs, loss=loss, settings=settings)]
    if loss == "landmarks":  # its softmax does not feel this bias, which Adam moves by the sign of rounding errors
        net.module.codes.bias.data.zero_()
    weights = torch.cat([w.detach().flatten() for w in net.parameters()])
    found[f"{loss} {exchange}"] = (torch.tensor(losses)[:, None], weights)
"""


@needs_distributed
def test_two_processes_learn_a_labelling_as_one_does(tmp_path):
    same_learning(*shared(PROGRAM, tmp_path))
