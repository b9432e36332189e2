"""Draws from a posterior, beside a Gaussian whose posterior can be written down."""

import pytest
import torch
from torch import Tensor

from evidence import _inverter_training as training
from tests.helpers import refuses
from u3lab import inversion, nets, prior
from u3lab.descent import descend, last
from u3lab.images import cropping
from u3lab.inversion import sampling
from u3lab.inversion.linear import Gaussian
from u3lab.nets import checkpoints

SIGMA, LAM = 0.5, 2.0


def toy() -> tuple[Tensor, Tensor, Gaussian]:
    """A code y = M x of two numbers for an x of three, and a prior whose numbers go together."""
    prior_ = Gaussian(torch.tensor([1.0, 0.0, -1.0]).double(),
                      torch.tensor([[1.0, 0.6, 0.0], [0.6, 1.0, 0.3], [0.0, 0.3, 0.5]]).double())
    return torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]).double(), torch.tensor([0.5, 1.0]).double(), prior_


def exact(matrix: Tensor, y: Tensor, given: Gaussian) -> tuple[Tensor, Tensor, Tensor]:
    """Precision and mean of p_σ(x) · exp(−λ/(2σ²) ‖M D(x) − y‖²), and the matrix A of the denoiser D(x) = A x + b."""
    noisy = torch.linalg.inv(given.covariance + SIGMA**2 * torch.eye(3).double())
    a = given.covariance @ noisy
    seen = matrix @ a
    precision = noisy + LAM / SIGMA**2 * seen.T @ seen
    shifted = y - matrix @ (given.mean - a @ given.mean)
    return precision, torch.linalg.solve(precision, noisy @ given.mean + LAM / SIGMA**2 * seen.T @ shifted), a


@pytest.fixture(scope="module")
def chains() -> Tensor:
    """The last states of many chains at one σ, (20000,3): the energy is a sum, so that each chain has its own."""
    matrix, y, given = toy()
    _, _, a = exact(matrix, y, given)
    draw = torch.Generator().manual_seed(0)
    states = sampling.langevin(torch.zeros(20_000, 3).double(), lambda x: given.mean + (x - given.mean) @ a.T,
                                lambda x: (x @ matrix.T - y).square().sum() / 2, [SIGMA] * 400, lam=lambda: LAM,
                                step_size=lambda: 0.3, draw=draw)
    return last(states).x


def test_the_chain_draws_from_the_posterior_that_can_be_written_down(chains: Tensor):
    precision, mean, _ = exact(*toy())
    torch.testing.assert_close(chains.mean(0), mean, rtol=0, atol=0.02)
    # Steps of a size h = δσ² give a variance of 1/(p(1 − hp/4)) in each direction of precision p, not 1/p.
    p, vectors = torch.linalg.eigh(precision)
    wanted = vectors @ torch.diag(1 / (p * (1 - 0.3 * SIGMA**2 * p / 4))) @ vectors.T
    torch.testing.assert_close(torch.cov(chains.T), wanted, rtol=0, atol=0.03)
    torch.testing.assert_close(wanted, torch.linalg.inv(precision), rtol=0.15, atol=0.02)


def test_the_l2_inverter_of_a_linear_network_is_ridge_regression():
    """The loss of :func:`training.squares`, minimised over Ψ(y) = W y + b, gives the posterior's mean for any code."""
    matrix, y, given = toy()
    x = given.draw(5000, seed=3)
    codes = x @ matrix.T + 0.3 * torch.randn(len(x), 2, generator=torch.Generator().manual_seed(4)).double()
    weight, bias = torch.zeros(3, 2).double().requires_grad_(), torch.zeros(3).double().requires_grad_()

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        made = codes @ weight.T + bias
        return made, training.squares(made, x, {})

    last(descend([weight, bias], energy, steps=2000, lr=lambda: 0.01))
    measured = Gaussian(x.mean(0), torch.cov(x.T))
    wanted = inversion.gaussian_posterior(matrix, y, *measured, 0.3).mean
    torch.testing.assert_close((weight @ y + bias).detach(), wanted, rtol=0, atol=0.02)


def test_the_posterior_of_a_gaussian_is_that_of_its_joint_with_the_code():
    """Condition (x, y) as one Gaussian of five numbers; and count: the samples whose y is near have this mean."""
    matrix, y, given = toy()
    found = inversion.gaussian_posterior(matrix, y, *given, 0.3)
    x = given.draw(400_000, seed=1)
    made = x @ matrix.T + 0.3 * torch.randn(len(x), 2, generator=torch.Generator().manual_seed(2)).double()
    near = x[(made - y).norm(dim=1) < 0.1]
    torch.testing.assert_close(near.mean(0), found.mean, rtol=0, atol=0.03)
    torch.testing.assert_close(torch.cov(near.T), found.covariance, rtol=0, atol=0.03)
    torch.testing.assert_close(torch.cov(found.draw(100_000).T), found.covariance, rtol=0, atol=0.02)


def test_a_chain_begins_with_grey_and_the_most_of_noise():
    net, x = nets.load("squeezenet1_1", device="cpu"), torch.rand(1, 3, 32, 32)
    first = next(inversion.sample(net, "conv1", x, settings=inversion.SampleSettings(noisiest=0.3, least=0.1, seed=4)))
    noise = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    denoiser = checkpoints.restore(prior.trained.denoiser(), "denoiser")
    torch.testing.assert_close(first.value, denoiser(0.5 + 0.3 * noise).detach())
    wanted = inversion.code_error(*(inversion.code(net, "conv1", one).detach() for one in (first.value, x)))
    assert first.terms == {"code": pytest.approx(float(wanted), rel=1e-4)}


def test_draws_with_one_code_have_it_differ_and_are_no_noise():
    net = nets.load("squeezenet1_1", device="cpu")
    x = cropping.crops(cropping.sources()[1][2:3], 96, count=1)
    drawn = [last(inversion.sample(net, "fire5", x, settings=inversion.SampleSettings(steps=100, seed=seed)))
             for seed in (0, 1)]
    assert all(step.terms["code"] < 0.3 for step in drawn)
    assert prior.disagreement([step.value for step in drawn]).mean() > 0.02
    denoiser = checkpoints.restore(prior.trained.denoiser(), "denoiser")
    assert all(prior.psnr(denoiser(step.value), step.value) > 20 for step in drawn)


def test_slips_are_told():
    net = nets.load("squeezenet1_1", device="cpu")
    refuses(inversion.sample, net, "fire5", torch.rand(1, 3, 100, 100), says="multiples of 16")
    matrix, y, given = toy()
    refuses(inversion.gaussian_posterior, matrix.float(), y, *given, 0.3, says="not all float32 or all float64")


def test_sigma_falls_by_equal_shares():
    found = sampling.falling(0.4, 0.1, 5)
    assert found[0] == pytest.approx(0.4) and found[-1] == pytest.approx(0.1)
    assert {round(b / a, 6) for a, b in zip(found, found[1:], strict=False)} == {round(0.25 ** 0.25, 6)}
