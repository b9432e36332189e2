"""Methods without a row, and why: the site's page *The bench* prints it. A test wants a row or a reason of each."""

FLOOR = "a floor, which computes next to nothing"
TORCH = "PyTorch's own loss, picture by picture; there is nothing of ours to be faster or slower"

WHY: dict[str, str] = {
    "universal/segments": TORCH,
    "universal/boundaries": TORCH,
    "universal/normals": TORCH,
    "universal/label": TORCH,
    "prior/biharmonic": "scikit-image computes it; ours hands picture and hole to it",
    "prior/convolutional sparse coding": "SPORCO computes it; no other library that installs here fills holes so",
    "saliency/edges (no network)": FLOOR,
    "saliency/gradient × input": "one multiplication more than the gradient, which has a row",
    "equivariance/sparse map": "scikit-learn's matching pursuit takes nearly all of the time, and would in any peer",
    "equivariance/identity": FLOOR,
    "equivariance/shuffled": FLOOR,
    "dissection/everywhere": FLOOR,
}
