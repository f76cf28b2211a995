"""What the site adds to Sphinx: pages of Python files, and the alternative text of figures."""

from functools import wraps

from docutils import nodes
from myst_nb.core.render import NbElementRenderer
from sphinx.parsers import Parser

NO_TEXT = "a figure"  # in place of the file's name, which Sphinx would give a screen reader to read


class PythonPage(Parser):
    """A page that shows a Python file, highlighted, with line numbers."""

    supported = ("python",)

    def parse(self, text, document):
        self.setup_parse(text, document)
        page = nodes.section(ids=["source"])
        page += nodes.title(text=f"{document.settings.env.docname}.py")
        page += nodes.literal_block(text, text, language="python", linenos=True)
        document += page
        self.finish_parse()


def describe_figures(render_image):
    """`render_image` that passes on the alternative text in an output's metadata, which myst-nb does not."""

    @wraps(render_image)
    def render(self, data):
        images = render_image(self, data)
        for image in images:
            image["alt"] = data.output_metadata.get(data.mime_type, {}).get("alt") or image.get("alt", NO_TEXT)
        return images

    return render


def setup(app):
    app.add_source_suffix(".py", "python")
    app.add_source_parser(PythonPage)
    # A renderer of our own would have to be an installed package: myst-nb finds them by entry points only.
    if not hasattr(NbElementRenderer.render_image, "__wrapped__"):
        NbElementRenderer.render_image = describe_figures(NbElementRenderer.render_image)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
