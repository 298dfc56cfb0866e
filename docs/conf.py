"""The documentation as a site: `make docs`. Pages that tables know are written first."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import generated  # noqa: E402 beside this file

project = "gradmeter"
author = "The gradmeter founders"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_gallery.gen_gallery"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["claims", "_build", "gallery"]
suppress_warnings = ["myst.xref_missing"]  # links out of the documentation, into the repository
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "gradmeter"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_js_files = ["matrix.js"]
html_show_sphinx = False
html_show_copyright = False

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "examples",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "remove_config_comments": True,
}

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "inherited-members": False}
autodoc_inherit_docstrings = False  # torch's own are no reStructuredText


def setup(app) -> None:
    """Write the generated pages first, and read docstrings as the Markdown they are."""
    app.connect("builder-inited", lambda app: generated.write(HERE))
    app.connect("autodoc-process-docstring", generated.as_rst)
