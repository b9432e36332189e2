// JupyterLab shows image/png and image/jpeg outputs without alt text, even when their metadata carry one (as nbconvert
// reads it). This wraps its image renderer and passes the text on. Written by hand as a federated module: no build.
(globalThis._JUPYTERLAB ??= {})["u3lab-alt"] = (() => {
  let shared;

  const passOn = (renderer, type) => {
    const renderModel = renderer.renderModel.bind(renderer);
    renderer.renderModel = async (model) => {
      await renderModel(model);
      const alt = model.metadata[type]?.alt;
      const picture = renderer.node.querySelector("img");
      if (picture && typeof alt === "string") picture.alt = alt;
    };
    return renderer;
  };

  const load = async (name) => {
    const versions = Object.values(shared[name]);
    return (await versions[0].get())();
  };

  const get = async () => {
    const { IRenderMimeRegistry } = await load("@jupyterlab/rendermime");
    const plugin = {
      id: "u3lab-alt:plugin",
      autoStart: true,
      requires: [IRenderMimeRegistry],
      activate: (app, registry) => {
        for (const type of ["image/png", "image/jpeg"]) {
          const factory = registry.getFactory(type);
          if (!factory) continue;
          registry.addFactory({
            ...factory,
            mimeTypes: [type],
            createRenderer: (options) => passOn(factory.createRenderer(options), options.mimeType),
          });
        }
      },
    };
    return () => ({ default: plugin, __esModule: true });
  };

  return { init: (scope) => { shared = scope; }, get };
})();
