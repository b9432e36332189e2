"""The site that `make docs` builds: its pages are gathered into build/site/source, and Sphinx writes build/site/html.

``gathering`` copies what is written and generates the rest: ``api`` (a page for each room of the library) and
``knowing`` (for each method its oracle, its row of the bench and its limits). ``reading`` and ``docstrings`` are called
by Sphinx, ``links`` follows every link of the finished pages.
"""
