"""How Sphinx builds the site: `make docs`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from i2i_keras import __version__

project = "i2i_keras"
release = __version__
copyright = "the authors of i2i_keras, MIT license"

# `generated` fills in what stands elsewhere: settings, help, README;
# `reachable` mends what keyboards and screen readers cannot reach.
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
extensions += ["generated", "reachable"]
exclude_patterns = ["gallery/*_files"]
myst_enable_extensions = ["html_image"]
myst_heading_anchors = 4  # As GitHub has them, so that links to them work in both.
default_role = "code"  # Docstrings have single backticks.
autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = "i2i_keras"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_search_summary = False  # It fetches pages, which from disk is refused.
html_show_sourcelink = False
# No icon of another host, no font, no script: the site works without a network.
html_theme_options = {
    "navigation_with_keys": False,
    "light_css_variables": {"color-code-background": "#f3f5f7"},
    "dark_css_variables": {"color-code-background": "#2b2b2b"},
}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
