"""Sphinx's settings. Nothing here may make a page load from the net: tests/browser/test_site.py watches it."""

from pathlib import Path

import mathjax

project = "Deep vision by hand"
language = "en"
smartquotes = False  # the words are shown as they were written
extensions = ["myst_nb", "sphinx_design", "tools.site.extension"]
root_doc = "index"
# myst-nb waits for the kernel's answers otherwise; what is shown is what was recorded.
nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js = {}  # would come from the net
myst_enable_extensions = ["colon_fence", "dollarmath"]
# This one file has all of TeX and draws without fonts: nothing is fetched later.
html_static_path = ["theme.css", str(Path(mathjax.__file__).parent / "static/mathjax/es5/tex-svg-full.js")]
html_css_files = ["theme.css"]
mathjax_path = "tex-svg-full.js"
mathjax3_config = {"options": {"enableMenu": False}}  # the menu offers parts that are not here

html_theme = "sphinx_book_theme"
html_title = project
html_theme_options = {
    "home_page_in_toc": True,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "navbar_persistent": [],  # a second search field
    "footer_content_items": [],
}
html_context = {"default_mode": "auto"}  # light or dark as the reader's system is, until the switch says otherwise
html_copy_source = html_show_sourcelink = False
html_use_index = html_domain_indices = False
html_show_search_summary = False  # a page opened from disk may not read the others
