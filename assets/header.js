// The header: the open panel, undo and redo, "hold for before", save; and the shortcuts of the page.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { on, act, session, translate } = page;
  const $ = (id) => element.querySelector(`#${id}`);
  const TABS = ["photo", "film", "live", "explore"];  // a closed panel returns to the last of these
  let lastTab = "photo";

  function openPanel(panel) {
    if (TABS.includes(panel)) lastTab = panel;
    document.body.dataset.panel = panel;
    for (const tab of element.querySelectorAll("[role=tab]")) {
      const chosen = tab.dataset.panel === lastTab;
      tab.ariaSelected = String(chosen);
      tab.tabIndex = chosen ? 0 : -1;
    }
    $("menu").ariaExpanded = String(panel === "menu");
    page.emit("panel", panel);
  }

  // Open a panel. If it is already open and is not a tab, close it and return to the last tab.
  page.togglePanel = (panel) =>
    openPanel(document.body.dataset.panel === panel && !TABS.includes(panel) ? lastTab : panel);
  const tabs = [...element.querySelectorAll("[role=tab]")];
  for (const tab of tabs) tab.addEventListener("click", () => openPanel(tab.dataset.panel));
  page.enableArrowKeys(tabs);
  $("undo").addEventListener("click", () => act("undo"));
  $("redo").addEventListener("click", () => act("redo"));
  $("reset").addEventListener("click", () => act("apply_preset", { name: "the photo" }));
  $("menu").addEventListener("click", () => page.togglePanel("menu"));

  const saveButton = $("save");
  saveButton.addEventListener("click", async () => {
    if (saveButton.disabled) return;
    saveButton.disabled = true;
    page.clearToasts("save");
    const answer = await page.runQueued("save_photo");
    saveButton.disabled = false;
    if (answer.problem) page.toast(answer.problem, "save");
    else await page.download(answer.file);
  });

  // The photo before the edit, while the button or one of the keys B, Space and Enter is held.
  const beforeButton = $("before");
  const setHeld = (isHeld) => {
    beforeButton.ariaPressed = String(isHeld);
    page.emit("before", isHeld);
  };
  beforeButton.addEventListener("pointerdown", (event) => {
    beforeButton.setPointerCapture(event.pointerId);
    setHeld(true);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture", "blur"])
    beforeButton.addEventListener(end, () => setHeld(false));
  beforeButton.addEventListener("contextmenu", (event) => event.preventDefault());
  const NO_TEXT = "[type=range], [type=checkbox], [type=radio]";
  const TEXT_FIELD = `input:not(${NO_TEXT}), textarea, select, [contenteditable]`;
  const isTextField = (target) => target.matches?.(TEXT_FIELD);
  document.addEventListener("keydown", (event) => {
    if (isTextField(event.target)) return;
    const key = event.key.toLowerCase();
    if (event.target === beforeButton && (event.key === " " || event.key === "Enter")) {
      event.preventDefault();
      setHeld(true);
    }
    if ((event.ctrlKey || event.metaKey) && key === "z") {
      event.preventDefault();
      act(event.shiftKey ? "redo" : "undo");
    }
    if ((event.ctrlKey || event.metaKey) && key === "y") {
      event.preventDefault();
      act("redo");
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === "b" && !event.repeat && session.token) setHeld(true);
  });
  document.addEventListener("keyup", (event) => {
    if (event.key.toLowerCase() === "b" || event.target === beforeButton) setHeld(false);
  });

  let stateCount = 0;
  on("state", ({ state }) => {
    document.body.dataset.states = stateCount += 1;  // for tests
    $("undo").disabled = !state.undo;
    $("redo").disabled = !state.redo;
  });
  // Without an open photo, disable all controls that act on it.
  const updateControls = () => {
    const isEmpty = !session.token;
    document.body.dataset.photo = isEmpty ? "none" : "there";
    for (const id of ["before", "reset", "save"]) $(id).disabled = isEmpty;
    if (isEmpty) {
      $("undo").disabled = $("redo").disabled = true;
    }
    for (const block of document.querySelectorAll("[data-needs-photo]")) block.inert = isEmpty;
    for (const control of document.querySelectorAll("[data-needs-photo] :is(button, input, select)"))
      control.disabled = isEmpty;
    page.emit("enabled", !isEmpty);
  };
  on("photo", updateControls);
  on("no-face", updateControls);
  setTimeout(updateControls, 0);  // after the other parts have been mounted
  openPanel("photo");
  beforeButton.title = `${translate("Hold for before")} (B)`;
});
