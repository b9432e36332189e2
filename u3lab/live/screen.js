// The picture of a live figure: shows the newest frame, says which frame it has shown, and takes clicks.
// A frame that comes while the one before is being decoded replaces it; the old picture stays until then.

const STEP = 1 / 14; // how far an arrow key moves the place, as a share of one panel

function render({ model, el }) {
  const frame = document.createElement("div");
  const image = document.createElement("img");
  frame.className = "u3lab-screen";
  image.className = "widget-image";
  image.draggable = false;
  const badge = document.createElement("div");
  badge.className = "u3lab-badge";
  badge.setAttribute("role", "status"); // there from the start, so that its words are read when they come
  frame.append(image);
  el.append(frame, badge);

  // Each word to the kernel costs three messages on the way back, so it hears of every third frame, and of the last.
  let told = 0;
  let later = null;
  function tell(number) {
    if (!model.get("paced")) return;
    clearTimeout(later);
    const now = () => { told = number; model.send({ seen: number }); };
    if (number - told >= 3) now();
    else later = setTimeout(now, 100);
  }

  // A data: address is shown in half the time that a blob: takes.
  function address(view) {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const parts = [];
    for (let k = 0; k < bytes.length; k += 8192) parts.push(String.fromCharCode(...bytes.subarray(k, k + 8192)));
    return `data:image/${model.get("format")};base64,${btoa(parts.join(""))}`;
  }
  function show() {
    const bytes = model.get("value");
    if (!bytes || !bytes.byteLength) return;
    const number = model.get("frame");
    image.onload = () => {
      image.dataset.frame = number;
      image.toggleAttribute("data-line-art", model.get("line_art"));
      tell(number);
    };
    image.src = address(bytes);
  }
  const describe = () => { image.alt = model.get("alt"); };
  const credit = () => { badge.textContent = model.get("badge"); };

  // The place is a pair (x, y) in [0,1] of one panel; a ring marks it in the first: the others show what is there.
  let ring = null;
  function mark() {
    const place = model.get("place");
    if (!place.length) return;
    if (!ring) {
      ring = document.createElement("div");
      ring.className = "u3lab-ring";
      frame.append(ring);
    }
    ring.style.left = `${(100 * place[0]) / model.get("panels")}%`;
    ring.style.top = `${100 * place[1]}%`;
  }
  const within = (value) => Math.min(Math.max(value, 0), 1);
  function move(x, y) {
    model.set("place", [within(x), within(y)]);
    model.save_changes();
  }
  function point(event) {
    const box = image.getBoundingClientRect();
    const across = ((event.clientX - box.left) / box.width) * model.get("panels");
    const panel = Math.min(Math.max(Math.floor(across), 0), model.get("panels") - 1);
    if (panel && !event.buttons) return; // the pointer passes over another panel
    move(across - panel, (event.clientY - box.top) / box.height);
  }
  function key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const [x, y] = model.get("place");
    move(x + way[0] * STEP, y + way[1] * STEP);
  }
  if (model.get("place").length) {
    frame.tabIndex = 0;
    frame.setAttribute("role", "group");
    frame.setAttribute("aria-label", "picture: click, or use the arrow keys, to choose a place");
    frame.dataset.lmSuppressShortcuts = "true"; // else JupyterLab takes the arrow keys for itself
    frame.style.cursor = "crosshair";
    frame.addEventListener("pointerdown", (event) => { frame.setPointerCapture(event.pointerId); point(event); });
    frame.addEventListener("pointermove", (event) => { if (event.buttons & 1 || model.get("follow")) point(event); });
    frame.addEventListener("keydown", key);
  }

  // Two frames may have the same bytes, and each wants to be reported: so the number is watched, not the value.
  const watched = { "change:frame": show, "change:alt": describe, "change:badge": credit, "change:place": mark,
                    "change:panels": mark };
  for (const [event, react] of Object.entries(watched)) model.on(event, react);
  show();
  describe();
  credit();
  mark();
  return () => {
    for (const [event, react] of Object.entries(watched)) model.off(event, react);
    clearTimeout(later);
  };
}

export default { render };
