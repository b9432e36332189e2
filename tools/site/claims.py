"""What must not be concluded from an audit: the list that each report ends with, as a page."""

from __future__ import annotations

from u3audit.claims import NOT_SAID, measured


def page() -> str:
    """A section for each claim: why it does not follow, and what was measured of it."""
    sections = "\n".join(f"## “{one.claim}”\n\n{one.why}\n"
                         + (f"\n*Measured.* {told}\n" if (told := measured(one)) else "") for one in NOT_SAID)
    return f"""# What must not be concluded from an audit

`u3lab audit` writes a report with five numbers on
[a network of your own](docs/notebooks.md#audit-a-network-of-your-own). None of these sentences follows
from them, nor from all of them together. Each report has this list.

{sections}
The trials: slices of four patients, 96×96 pixels, half of them with a made finding, a soft blob; small networks of four
convolutions, several seeds of each kind: honest ones, and ones that learnt where a marker or the scanner gave the
answer away. The numbers go from the least to the largest of those that judge; [Evidence](evidence.md) has the table,
`audited`.
"""
