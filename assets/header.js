// The header: the open panel, undo and redo, "hold for before", save; and the shortcuts of the page.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { on, act, data, translate } = page;
  const $ = (id) => document.getElementById(id);
  const TABS = ["photo", "film", "live", "explore"];  // other panels return to the last of these
  let lastTab = "photo";

  function openPanel(mode) {
    if (TABS.includes(mode)) lastTab = mode;
    document.body.dataset.mode = mode;
    for (const tab of element.querySelectorAll("[role=tab]")) {
      const chosen = tab.dataset.mode === lastTab;
      tab.ariaSelected = String(chosen);
      tab.tabIndex = chosen ? 0 : -1;
    }
    $("menu").ariaExpanded = String(mode === "menu");
    page.emit("mode", mode);
  }

  // Open a panel. If it is already open and is not a tab, close it and return to the last tab.
  page.togglePanel = (mode) => openPanel(document.body.dataset.mode === mode && !TABS.includes(mode) ? lastTab : mode);
  const tabs = [...element.querySelectorAll("[role=tab]")];
  for (const tab of tabs) tab.addEventListener("click", () => openPanel(tab.dataset.mode));
  page.enableArrowKeys(tabs);
  element.querySelector("#undo").addEventListener("click", () => act("undo"));
  element.querySelector("#redo").addEventListener("click", () => act("redo"));
  element.querySelector("#reset").addEventListener("click", () => act("preset", { name: "the photo" }));
  element.querySelector("#menu").addEventListener("click", () => page.togglePanel("menu"));

  const save = element.querySelector("#save");
  save.addEventListener("click", async () => {
    if (save.disabled) return;
    save.disabled = true;
    page.clearToasts("save");
    const answer = await page.runQueued("save");
    save.disabled = false;
    if (answer.problem) page.toast(answer.problem, "save");
    else await page.save(answer.file);
  });

  // The photo before the edit, while the button or one of the keys B, Space and Enter is held.
  const before = element.querySelector("#before");
  const hold = (on) => { before.ariaPressed = String(on); page.emit("before", on); };
  before.addEventListener("pointerdown", (event) => { before.setPointerCapture(event.pointerId); hold(true); });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) before.addEventListener(end, () => hold(false));
  before.addEventListener("contextmenu", (event) => event.preventDefault());
  const isTextField = (target) => target.matches?.("input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (isTextField(event.target)) return;
    const key = event.key.toLowerCase();
    if (event.target === before && (event.key === " " || event.key === "Enter")) { event.preventDefault(); hold(true); }
    if ((event.ctrlKey || event.metaKey) && key === "z") { event.preventDefault(); act(event.shiftKey ? "redo" : "undo"); }
    if ((event.ctrlKey || event.metaKey) && key === "y") { event.preventDefault(); act("redo"); }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === "b" && !event.repeat && data.token) hold(true);
  });
  document.addEventListener("keyup", (event) => {
    if (event.key.toLowerCase() === "b" || event.target === before) hold(false);
  });

  let states = 0;
  on("state", ({ state }) => {
    document.body.dataset.states = states += 1;  // for tests
    element.querySelector("#undo").disabled = !state.undo;
    element.querySelector("#redo").disabled = !state.redo;
  });
  // Without an open photo, disable all controls that act on it.
  const updateControls = () => {
    const none = !data.token;
    document.body.dataset.photo = none ? "none" : "there";
    for (const id of ["before", "reset", "save"]) $(id).disabled = none;
    if (none) { $("undo").disabled = $("redo").disabled = true; }
    for (const block of document.querySelectorAll("[data-needs-photo]")) block.inert = none;
    for (const control of document.querySelectorAll("[data-needs-photo] :is(button, input, select)")) control.disabled = none;
    page.emit("enabled", !none);
  };
  on("photo", updateControls);
  on("faceless", updateControls);
  setTimeout(updateControls, 0);  // after the other parts have been mounted
  openPanel("photo");
  before.title = `${translate("Hold for before")} (B)`;
});
