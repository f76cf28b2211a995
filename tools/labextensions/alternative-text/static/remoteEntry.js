// JupyterLab draws the images of outputs without an alt, even where the output's metadata holds one. This extension
// adds it. It is written by hand, in the form that JupyterLab loads, so that nothing has to be built.
(() => {
  let shared;

  function withAlt(factory, type) {
    return {
      ...factory,
      mimeTypes: [type],
      createRenderer(options) {
        const renderer = factory.createRenderer(options);
        const render = renderer.renderModel.bind(renderer);
        renderer.renderModel = async (model) => {
          await render(model);
          const { alt } = model.metadata[type] ?? {};
          if (alt) renderer.node.querySelector("img").alt = alt;
        };
        return renderer;
      },
    };
  }

  async function extension() {
    const [rendermime] = Object.values(shared["@jupyterlab/rendermime"]);
    const { IRenderMimeRegistry } = (await rendermime.get())();
    const plugin = {
      id: "alternative-text:plugin",
      autoStart: true,
      requires: [IRenderMimeRegistry],
      activate(app, registry) {
        for (const type of ["image/png", "image/jpeg"]) registry.addFactory(withAlt(registry.getFactory(type), type));
      },
    };
    return () => ({ __esModule: true, default: plugin });
  }

  globalThis._JUPYTERLAB ??= {};
  globalThis._JUPYTERLAB["alternative-text"] = { init: (scope) => { shared = scope; }, get: extension };
})();
