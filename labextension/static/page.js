// What JupyterLab and Notebook 7 lack for the course's notebooks. Written by hand as a federated module: no build.
//
// * A live figure or an exercise whose kernel is gone is shown as its still, or its text, which lie in the file.
// * A picture gets the alt text that its output's metadata carry, as nbconvert reads it.
// * A link to a heading of the notebook lands there, although the cells between are drawn only as they are passed.
// * Controls get their keys: Notebook 7 looks for shortcuts before the control with the focus sees a key.
// * In the dark theme pictures do not glare; screen.css says the same of live ones.
(globalThis._JUPYTERLAB ??= {})["u3lab-page"] = (() => {
  const VIEW = "application/vnd.jupyter.widget-view+json";
  const STILLS = ["text/html", "image/png", "image/jpeg"]; // what stands for a widget, the best first
  const DEAD = "jupyter-widgets-disconnected"; // ipywidgets' word for a view that no kernel hears
  const WAKE = "Asleep: press Shift+Enter to wake it; in a new kernel, first Run → Run All Above Selected Cell.";
  const STYLE = `
    .u3lab-asleep > :not(.u3lab-still) { display: none; }
    .u3lab-veiled > :first-child { opacity: 0.6; }
    .u3lab-still > p { margin: 0.2em 0 0.6em; font-size: var(--jp-ui-font-size1); color: var(--jp-ui-font-color2); }
    [data-jp-theme-light="false"] .jp-RenderedImage img { filter: brightness(0.8); }
    [data-jp-theme-light="false"] .jp-RenderedImage img[data-line-art] { filter: invert(0.9) hue-rotate(180deg); }`;
  let shared;

  const withAlt = (renderer, type) => {
    const render = renderer.renderModel.bind(renderer);
    renderer.renderModel = async (model) => {
      await render(model);
      const picture = renderer.node.querySelector("img"), { alt, line_art } = model.metadata[type] ?? {};
      if (!picture) return;
      if (typeof alt === "string") picture.alt = alt;
      picture.toggleAttribute("data-line-art", line_art === true);
    };
  };

  // The widget if a kernel stands behind it, else its still; also while the widget is on its way, and when its kernel
  // ends. ``sleepers`` are asked to look again by whoever knows that a kernel has ended.
  const withStill = (renderer, registry, sleepers) => {
    const render = renderer.renderModel.bind(renderer);
    let ended = null; // the view whose kernel has ended without a word to ipywidgets
    renderer.renderModel = async (model) => {
      const drawing = render(model); // says "Loading widget..." at once, and is over when the kernel has answered
      const type = STILLS.find((one) => model.data[one]);
      if (!type) return drawing;
      const still = document.createElement("div"), words = document.createElement("p");
      const picture = registry.createRenderer(type);
      await picture.renderModel(model);
      still.className = "u3lab-still";
      words.textContent = WAKE;
      still.append(picture.node, words);
      const choose = () => {
        const view = renderer.widgets[0];
        const asleep = !view || view === ended || view.hasClass(DEAD);
        if (!view) { // "Loading widget...", "Error displaying widget: model not found"
          renderer.node.textContent = "";
          renderer.removeClass("jupyter-widgets");
        }
        if (asleep) renderer.node.append(still); else still.remove();
        still.classList.toggle("u3lab-veiled", Boolean(view)); // its kernel has ended under the reader's eyes
        words.hidden = !view && !over;
        renderer.node.classList.toggle("u3lab-asleep", asleep);
      };
      let over = false;
      choose();
      await drawing;
      over = true;
      choose();
      const view = renderer.widgets[0];
      if (!view) return;
      new MutationObserver(choose).observe(view.node, { attributeFilter: ["class"] });
      const sleep = () => { ended = view; choose(); };
      sleepers.add(sleep);
      renderer.disposed.connect(() => sleepers.delete(sleep));
    };
  };

  // ipywidgets hears of a restart that somebody asked for. A kernel also dies, is shut down, or is exchanged.
  const watchKernel = (session, sleepers) => {
    const sleep = () => sleepers.forEach((one) => one());
    session.statusChanged.connect((_, status) => {
      if (/^(dead|autorestarting|terminating)$/.test(status)) sleep();
    });
    session.kernelChanged.connect((_, { oldValue }) => { if (oldValue) sleep(); });
  };

  const heading = (id) => (cell) => cell.model.type === "markdown" && cell.model.sharedModel.getSource().split("\n")
    .some((line) => line.match(/^#+\s+(.*?)\s*$/)?.[1].replace(/[*`]/g, "").replace(/ /g, "-") === id);

  // A cell gets its height when it is drawn, and pushes on what is below: so it is looked for until it stays.
  const land = async (notebook, id, expand) => {
    const index = notebook.widgets.findIndex(heading(id));
    if (index < 0) return;
    const cell = notebook.widgets[index];
    expand(cell, notebook);
    for (let still = 0, tries = 0; still < 4 && tries < 40; tries++) {
      const before = cell.isAttached ? cell.node.getBoundingClientRect().top : NaN;
      await notebook.scrollToItem(index, "start", 0.02);
      await new Promise((done) => setTimeout(done, 50));
      still = cell.isAttached && Math.abs(cell.node.getBoundingClientRect().top - before) < 2 ? still + 1 : 0;
      const fold = notebook.widgets[index + 1]?.node.querySelector(".jp-OutputArea details");
      if (fold) fold.open = true;
    }
    notebook.activeCellIndex = index;
  };
  const followLinks = (app, expand) => document.addEventListener("click", (event) => {
    const link = event.target.closest?.(".jp-Notebook a[href^='#']:not(.jp-InternalAnchorLink)");
    const notebook = app.shell.currentWidget?.content;
    if (!link || !notebook?.widgets) return;
    event.preventDefault();
    event.stopPropagation();
    land(notebook, decodeURIComponent(link.getAttribute("href").slice(1)), expand);
  }, true);

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
    const { INotebookTracker, NotebookActions } = await load("@jupyterlab/notebook");
    const plugin = {
      id: "u3lab-page:plugin",
      autoStart: true,
      requires: [IRenderMimeRegistry, INotebookTracker],
      activate: (app, registry, tracker) => {
        const sleepers = new WeakMap(); // of each notebook, by its own registry
        const of = (one) => sleepers.get(one) ?? sleepers.set(one, new Set()).get(one);
        // Each notebook has a copy of the registry, in which ipywidgets puts its renderers anew for each kernel: so all
        // are wrapped where they are made.
        const all = Object.getPrototypeOf(registry), create = all.createRenderer;
        all.createRenderer = function (type) {
          const renderer = create.call(this, type);
          if (/^image\/(png|jpeg)$/.test(type)) withAlt(renderer, type);
          if (type === VIEW) withStill(renderer, this, of(this));
          return renderer;
        };
        tracker.widgetAdded.connect((_, { content, sessionContext }) =>
          watchKernel(sessionContext, of(content.rendermime)));
        document.head.append(Object.assign(document.createElement("style"), { textContent: STYLE }));
        followLinks(app, NotebookActions.expandParent);
        leaveKeysToControls();
      },
    };
    return () => ({ default: plugin, __esModule: true });
  };

  return { init: (scope) => { shared = scope; }, get };
})();
