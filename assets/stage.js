// The stage: shows the edited picture, the photo before the edit, the camera, a film or a sheet. It
// converts between positions on the screen and in the photo, for all that is drawn or dragged.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { on, session, translate } = page;
  const stage = element.querySelector("#stage"), frame = element.querySelector("#stage-frame");
  const image = element.querySelector("#stage-image"), before = element.querySelector("#stage-before");
  const film = element.querySelector("#stage-film"), camera = element.querySelector("#stage-camera");
  const inset = element.querySelector("#inset"), split = element.querySelector("#stage-split");
  const outlines = element.querySelector("#face-outlines"), info = element.querySelector("#photo-info");
  const INSET_DELAY_MS = 700;  // without a change, until the inset is drawn
  const otherView = () => (session.view === "face" ? "photo" : "face");
  let isSplit = false;  // whether the left part of the picture shows the photo before the edit
  let splitAt = 0.5;  // width of that part, as a fraction of the picture's
  let insetTimer = null;

  // ---- Coordinates ----

  // Make the frame as large as the stage allows, in the proportions of the picture.
  function fit() {
    const { naturalWidth: width, naturalHeight: height } = image;
    if (!width || !stage.clientWidth) return;
    const scale = Math.min(stage.clientWidth / width, stage.clientHeight / height);
    frame.style.width = `${width * scale}px`;
    frame.style.height = `${height * scale}px`;
  }

  // x0, y0, x1, y1 of the view, as fractions of the photo's width and height.
  const viewBox = () => session.view_boxes[session.view];

  // From the screen [px] to fractions of the photo's width and height; null outside the picture.
  function toPhoto(clientX, clientY) {
    const box = image.getBoundingClientRect(), [x0, y0, x1, y1] = viewBox();
    const x = (clientX - box.left) / box.width, y = (clientY - box.top) / box.height;
    if (!(x >= 0 && x <= 1 && y >= 0 && y <= 1)) return null;
    return [x0 + x * (x1 - x0), y0 + y * (y1 - y0)];
  }

  // From fractions of the photo's width and height to the screen [px].
  function fromPhoto(x, y) {
    const box = image.getBoundingClientRect(), [x0, y0, x1, y1] = viewBox();
    return [box.left + box.width * (x - x0) / (x1 - x0), box.top + box.height * (y - y0) / (y1 - y0)];
  }
  page.stage = { element: stage, image, toPhoto, fromPhoto };
  new ResizeObserver(fit).observe(stage);
  image.addEventListener("load", fit);

  // ---- What is shown ----

  function setPicture(picture) {
    if (picture) image.src = picture;
  }

  // Show one of "picture", "camera", "film" and "sheet".
  function showOnStage(what) {
    stage.dataset.shows = what;
    if (what !== "film") film.pause();
    film.hidden = what !== "film";
    camera.hidden = what !== "camera";
    frame.hidden = what === "film" || what === "camera";
    inset.hidden = what !== "picture";
    if (what === "picture") fit();
  }
  page.showOnStage = showOnStage;
  page.showFilm = (file) => {
    film.src = file.url;
    film.dataset.name = file.orig_name;
    showOnStage("film");
    film.play().catch(() => {});
  };
  page.showSheet = (file) => {
    showOnStage("sheet");
    element.querySelector("#stage-sheet").src = file.url;
  };

  on("preview", ({ picture }) => {
    if (!picture) return;
    if (stage.dataset.shows !== "picture" && stage.dataset.shows !== "camera") showOnStage("picture");
    setPicture(picture);
  });
  on("state", ({ picture, state }) => {
    if (picture && stage.dataset.shows !== "camera") showOnStage("picture");
    setPicture(picture);
    for (const button of element.querySelectorAll("#halves button"))
      button.ariaPressed = String(button.dataset.half === state.half);
    element.querySelector("#brush").ariaPressed = String(state.painted || !element.querySelector("#brush-bar").hidden);
    clearTimeout(insetTimer);
    insetTimer = setTimeout(drawInset, INSET_DELAY_MS);
  });
  // Draw the other view in the inset, the small picture.
  async function drawInset() {
    const answer = await page.callServer("show_view", { view: otherView() }).catch(() => ({}));
    if (answer.picture) inset.firstElementChild.src = answer.picture;
  }
  on("face", (answer) => {
    before.src = answer.unedited;
    inset.firstElementChild.src = answer.inset;
    drawOutlines();
    stage.dispatchEvent(new CustomEvent("face-changed"));
  });
  on("no-face", () => {
    showOnStage("picture");
    info.textContent = "";
    inset.hidden = outlines.hidden = true;
    compare(false);
  });
  on("photo", () => {
    element.querySelector("#no-face").hidden = true;
    stage.dataset.photo = "there";
    info.textContent = `${session.photo.name} · ${session.size_text}`;
    outlines.hidden = false;
    compare(false);
    showOnStage("picture");
  });

  async function switchView(name) {
    if (!session.token) return;
    await page.commit();
    session.view = name;
    for (const button of element.querySelectorAll("#views button"))
      button.ariaPressed = String(button.dataset.view === name);
    page.applyAnswer(await page.callServer("show_view", {}));
  }
  for (const button of element.querySelectorAll("#views button"))
    button.addEventListener("click", () => switchView(button.dataset.view));
  inset.addEventListener("click", () => switchView(otherView()));
  const labelInset = () => {
    inset.ariaLabel = inset.title =
      session.view === "face" ? translate("Show the whole photo") : translate("Show the face");
  };
  on("face", labelInset);

  // ---- Before and after ----

  // isHeld: "Hold for before" is held, so the whole picture shows the photo before the edit.
  function compare(isHeld) {
    before.hidden = !session.token || !(isHeld || isSplit);
    before.style.clipPath = isHeld ? "none" : `inset(0 ${100 - 100 * splitAt}% 0 0)`;
    split.hidden = !session.token || !isSplit;
    split.style.left = `${100 * splitAt}%`;
    split.ariaValueNow = Math.round(100 * splitAt);
  }
  on("before", (isHeld) => {
    stage.dataset.before = isHeld;
    compare(isHeld);
  });
  const compareButton = element.querySelector("#compare");
  compareButton.addEventListener("click", () => {
    isSplit = !isSplit;
    compareButton.ariaPressed = String(isSplit);
    compare(false);
  });
  function moveSplit(value) {
    splitAt = Math.max(0, Math.min(1, value));
    compare(false);
  }
  split.addEventListener("pointerdown", (event) => {
    split.setPointerCapture(event.pointerId);
    event.preventDefault();
    split.focus();
  });
  split.addEventListener("pointermove", (event) => {
    if (!split.hasPointerCapture(event.pointerId)) return;
    const box = frame.getBoundingClientRect();
    moveSplit((event.clientX - box.left) / box.width);
  });
  split.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.05, ArrowRight: 0.05 }[event.key];
    if (step) {
      event.preventDefault();
      moveSplit(splitAt + step);
    }
  });

  // ---- Outlines of the faces; a click selects one ----

  function drawOutlines() {
    const [x0, y0, x1, y1] = viewBox();
    outlines.replaceChildren(...session.face_corners.map((corners, index) => {
      const xs = corners.map(([x]) => (x - x0) / (x1 - x0));
      const ys = corners.map(([, y]) => (y - y0) / (y1 - y0));
      const button = Object.assign(document.createElement("button"), {
        type: "button",
        ariaLabel: `${translate("Face")} ${index + 1}`,
      });
      const [left, top] = [Math.min(...xs), Math.min(...ys)];
      Object.assign(button.style, {
        left: `${100 * left}%`,
        top: `${100 * top}%`,
        width: `${100 * (Math.max(...xs) - left)}%`,
        height: `${100 * (Math.max(...ys) - top)}%`,
      });
      button.ariaPressed = String(index === session.face_index);
      button.hidden = session.view === "face" && index === session.face_index;  // it fills the stage
      button.addEventListener("click", () => {
        if (index !== session.face_index) page.act("select_face", { face: index });
      });
      return button;
    }));
    labelInset();
  }

  // ---- Halves of the face, sheet, explanation ----

  for (const button of element.querySelectorAll("#halves button")) {
    button.addEventListener("click", () => page.act("restrict_edits", { half: button.dataset.half }));
  }
  const sheet = element.querySelector("#stage-sheet");
  sheet.addEventListener("click", () => sheet.toggleAttribute("data-zoom"));
  element.querySelector("#explanation").addEventListener("click", () => page.togglePanel("explanation"));
  // The tab Photo replaces a film or sheet by the picture; every panel but Live replaces the camera.
  on("panel", (panel) => {
    if (stage.dataset.shows === "camera" ? panel !== "live" : panel === "photo") showOnStage("picture");
  });
  showOnStage("picture");
});
