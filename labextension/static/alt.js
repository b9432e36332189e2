// What two front ends lack for those who do not see, or have no mouse. JupyterLab shows image/png and image/jpeg
// without alt text, even when the output's metadata carry one (as nbconvert reads it): this wraps its image renderer and
// passes the text on. Notebook 7 looks for shortcuts before the control with the focus sees a key, so that an arrow
// would go to the next heading and move no slider. Written by hand as a federated module: no build.
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

  // Keys that controls use. With Shift or Ctrl they stay shortcuts: Shift+Enter runs the cell.
  const own = ({ key, altKey, ctrlKey, metaKey, shiftKey }) =>
    /^(Arrow\w+|Enter| )$/.test(key) && !(altKey || ctrlKey || metaKey || shiftKey);
  const leaveKeysToControls = () => window.addEventListener("keydown", (event) => {
    if (event.target.closest?.(".jupyter-widgets"))
      event.target.toggleAttribute("data-lm-suppress-shortcuts", own(event));
  }, true);

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
        leaveKeysToControls();
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
