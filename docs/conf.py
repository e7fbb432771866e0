"""How the site is built: `./check docs`, or `python -m sphinx docs docs/_build/html`."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "extensions"), str(HERE.parent)]

import perturbxai  # noqa: E402

project, author, copyright = "perturbxai", "the authors of perturbxai", "the authors of perturbxai"
version = release = perturbxai.__version__
extensions = [
    "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx_gallery.gen_gallery", "sphinx_design",
    "sphinx_copybutton", "plain_docstrings", "executed", "mathml", "repository_links",
]  # fmt: skip
exclude_patterns = [
    "_build",
    "_figures",
    "extensions",
    "templates",
    "gallery/*.ipynb",
    "gallery/*.py",
    "sg_execution_times.rst",
]
smartquotes = False  # what stands in quotes is to be copied
templates_path = ["templates"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
executed_pages = ["start", "methods/*", "reading-figures", "error-bars", "fills-and-backgrounds", "effects"]

autosummary_generate = True
autodoc_typehints = "none"  # signatures are read by people here; the types are in the package, for editors
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True

sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"/plot_",
    "image_scrapers": ("drawn",),
    "ignore_repr_types": r"matplotlib\..*",
    "subsection_order": [f"../examples/{room}" for room in ("tables", "effects", "photos", "comparing", "large")] + ["*"],
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("perturbxai",),
    "backreferences_dir": "generated/backreferences",
    "remove_config_comments": True,
    "show_memory": False,
    "download_all_examples": True,
    "min_reported_time": 10,
}

html_theme = "pydata_sphinx_theme"
html_title = "perturbxai"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
}
html_sidebars = {"index": [], "which-method": []}
linkcheck_timeout = 20
