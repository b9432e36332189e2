"""How Sphinx builds the site. `make docs` gathers its pages first: see tools/site."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import u3lab  # noqa: E402  (found by the line above)
from tools import site  # noqa: E402
from tools.site import reading  # noqa: E402

project, author, release = "u3lab", "The u3lab contributors", u3lab.__version__
copyright = "the u3lab contributors"  # the name that Sphinx reads

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_static"]

# Notebooks show the outputs that they were committed with; a live figure has left a picture of itself.
nb_execution_mode = "off"
nb_custom_formats = {".ipynb": "tools.site.reading.read"}
myst_enable_extensions = ["amsmath", "deflist", "dollarmath"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # a notebook's exercises are one level below its sections, also after a title

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
nitpicky = True
# Annotations name other people's classes, of which there is no copy here. What docstrings refer to has to exist.
nitpick_ignore_regex = [("py:(class|obj|data|exc)", r"(?!u3lab).*")]

html_theme = "pydata_sphinx_theme"
html_title = "u3lab"
html_css_files = ["site.css"]
# Room for lines of code, figures and wide tables; the list is one click away.
html_sidebars = {page: [] for page in ("notebooks/*", "evidence", "evidence/*", "bench")}
html_show_sourcelink = False
html_copy_source = False
mathjax_path = "mathjax/tex-chtml-full.js"
html_theme_options = {
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "navigation_with_keys": False,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}


def setup(app) -> None:
    """Docstrings are written for `help()` first: what reStructuredText would misread in them is put right."""
    app.connect("missing-reference", reading.resolve)
    app.connect("autodoc-process-docstring", reading.mend, priority=400)  # before napoleon
    app.add_config_value("u3lab_edition", site.edition(), "env", str)  # with another value Sphinx reads all anew
