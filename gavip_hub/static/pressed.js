// What somebody presses stays where it is until they let go. A page that changed between the two would move it away under the
// pointer, and the press would be lost.

let free = Promise.resolve();

addEventListener("pointerdown", () => {
  free = new Promise((resolve) => {
    const end = () => setTimeout(resolve); // the click comes in the same turn as what ends a press
    for (const name of ["pointerup", "pointercancel", "contextmenu"]) addEventListener(name, end, { capture: true, once: true });
    addEventListener("blur", end, { once: true }); // of the window: another one takes the end of the press away
  });
}, { capture: true });

/** Wait until nothing is pressed. */
export function letGo() {
  return free;
}
