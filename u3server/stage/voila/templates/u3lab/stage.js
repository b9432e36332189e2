// CSS can enlarge a picture to a share of the screen only if it knows its shape.
document.addEventListener("load", (event) => {
  const image = event.target;
  if (image.classList?.contains("widget-image"))
    image.parentElement.style.setProperty("--shape", image.naturalWidth / image.naturalHeight);
}, true);

// The keys 1, 2 and 3 go to a figure, and to its first control; in a field they are digits.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input:not([type=checkbox]), textarea")) return;
  const heading = [...document.querySelectorAll("#rendered_cells h2")][Number(event.key) - 1];
  if (!heading) return;
  event.preventDefault(); // a menu would look for an entry that begins with this digit
  heading.scrollIntoView();
  const controls = [...document.querySelectorAll("#rendered_cells :is(button, select, input, [tabindex='0'])")];
  controls.find((one) => heading.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING)
    ?.focus({ preventScroll: true });
}, true);
