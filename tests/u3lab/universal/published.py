"""What the papers reached on the Visual Decathlon: per cent right in each domain, and S, as reprinted later."""

DOMAINS = ("ImageNet", "Aircraft", "CIFAR-100", "Pedestrians", "Textures", "Traffic signs", "Flowers", "Omniglot",
           "SVHN", "UCF-101")
PUBLISHED: dict[str, tuple[tuple[float, ...], float]] = {
    "scratch": ((59.87, 57.10, 75.73, 91.20, 37.77, 96.55, 56.30, 88.74, 96.63, 43.27), 1625),
    "fine-tuning": ((59.87, 60.34, 82.12, 92.82, 55.53, 97.53, 81.41, 87.69, 96.55, 51.20), 2500),
    "features": ((59.67, 23.31, 63.11, 80.33, 45.37, 68.16, 73.69, 58.79, 43.54, 26.80), 544),
    "residual adapters (2017)": ((59.67, 56.68, 81.20, 93.88, 50.85, 97.05, 66.24, 89.62, 96.13, 47.45), 2118),
    "deep adaptation (DAN)": ((57.74, 64.12, 80.07, 91.30, 56.54, 98.46, 86.05, 89.67, 96.77, 49.38), 2851),
    "Piggyback": ((57.69, 65.29, 79.87, 96.99, 57.45, 97.27, 79.09, 87.63, 97.24, 47.48), 2838),
    "parallel adapters, SVD (2018)": ((60.32, 66.04, 81.86, 94.23, 57.82, 99.24, 85.74, 89.25, 96.62, 52.50), 3398),
}


def errors(name: str) -> dict[str, float]:
    """Domain → share that is wrong, in [0,1]."""
    return {domain: 1 - right / 100 for domain, right in zip(DOMAINS, PUBLISHED[name][0], strict=True)}
