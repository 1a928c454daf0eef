// Draws again what was drawn in vain. On a busy machine a view is now and then asked for in the very moment when the
// widgets' models arrive: it then says "model not found", though a moment later all of them are there, and Voilà never
// looks again.
"use strict";

const OUTPUTS = 'script[type="application/vnd.voila.cell-output+json"]';
const VIEW = "application/vnd.jupyter.widget-view+json";
const IN_VAIN = "Error displaying widget: model not found";
const LOOK_AGAIN_AFTER_MS = [0, 500, 1500, 3000];

/** Remember which widget stands where, before Voilà takes the notes about it from the page. */
gavip.rememberViews = () => {
  gavip.views = new Map();
  for (const note of document.querySelectorAll(OUTPUTS)) {
    const id = JSON.parse(note.textContent).data?.[VIEW]?.model_id;
    if (id) gavip.views.set(note.parentElement, id);
  }
};

/** Draw each view that was drawn in vain, if its model is there now. */
gavip.redraw = async (manager) => {
  for (const [place, id] of gavip.views) {
    if (place.textContent.trim() !== IN_VAIN) continue;
    const model = await manager.get_model(id).catch(() => null);
    if (!model) continue;
    const { luminoWidget } = await manager.create_view(model);
    place.replaceChildren();
    luminoWidget.constructor.attach(luminoWidget, place);
  }
};

/** Look for such views a few times, one after the other: two looks at once would draw one view twice. */
gavip.watchViews = async (manager) => {
  for (const pause of LOOK_AGAIN_AFTER_MS) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    await gavip.redraw(manager);
  }
};
