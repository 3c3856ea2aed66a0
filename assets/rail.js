// The rail: opens photos, which may be dropped or pasted anywhere on the page, and lists the faces of
// the open photo and the examples. The first example is opened at once, with the preview of a smile.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { on, session, translate } = page;
  const input = element.querySelector("#photo input"), faces = element.querySelector("#faces");
  const examples = element.querySelector("#examples");
  input.accept = ["image/*", ...page.pictureEndings].join(",");
  const SMILE = { AU12: 0.85, AU06: 0.6, AU25: 0.35 }, SMILE_MS = 1800, SMILE_STEP_MS = 40;
  let ownPhoto = null;  // the visitor's open photo: {file, upload}
  let newestRequest = 0;  // number of the newest request to open a photo
  // The recipe of the page's address: applied to the example, and again to the visitor's first photo.
  let recipeLink = location.hash.startsWith("#recipe=") ? location.hash : null;

  async function openPhoto(file, box) {
    const requestNumber = newestRequest += 1;
    page.clearToasts("photo");
    document.body.dataset.busy = "photo";
    page.emit("opening", file);
    let answer;
    try {
      const list = new DataTransfer();
      list.items.add(file);
      const upload = ownPhoto?.file === file ? ownPhoto.upload : await page.uploadFile({ files: list.files });
      if (requestNumber !== newestRequest) return;  // another photo was opened meanwhile
      ownPhoto = { file, upload };
      answer = await page.runQueued("open_photo", { photo: upload, box, model: session.model });
    } catch (error) {
      answer = { problem: translate("The photo could not be sent. It may be too large: at most 40 MB.") };
    }
    if (requestNumber !== newestRequest) return;
    delete document.body.dataset.busy;
    input.value = "";
    if (answer.no_face) {
      session.token = null;
      page.emit("no-face", answer);
    } else if (answer.problem) page.toast(answer.problem, "photo");
    else await showPhoto(answer, true);
  }

  // Show an opened photo, and apply the recipe of the address; isOwn: the visitor's, not an example.
  async function showPhoto(answer, isOwn) {
    page.clearToasts("photo");
    page.applyAnswer(answer);
    if (isOwn) page.toast(answer.notes ?? [], "photo");
    if (!recipeLink) return;
    const restored = await page.runQueued("restore_recipe", { link: recipeLink, anywhere: true });
    if (restored.problem) page.toast(restored.problem, "link");
    else page.applyAnswer(restored);
    if (isOwn || restored.problem) recipeLink = null;
  }

  // Open the photo again, with the face in a box: x0, y0, x1, y1 as fractions of the photo.
  page.openBox = (box) => openPhoto(ownPhoto.file, box);
  input.addEventListener("change", () => {
    if (input.files[0]) openPhoto(input.files[0]);
  });
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    document.body.dataset.drop = "";
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) delete document.body.dataset.drop;
  });
  document.addEventListener("drop", (event) => {
    delete document.body.dataset.drop;
    if (!hasFiles(event)) return;
    event.preventDefault();
    const file = [...event.dataTransfer.files].find(page.isPhoto);
    if (file) openPhoto(file);
    else page.toast(translate("This file is not a picture that can be opened here."), "photo");
  });
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(page.isPhoto);
    if (file) openPhoto(file);
  });

  function markSelected() {
    [...faces.children].forEach((button, index) => {
      button.ariaPressed = String(index === session.face_index);
    });
  }
  on("face", markSelected);
  on("photo", () => {
    faces.replaceChildren(...session.faces.map((picture, index) => {
      const button = Object.assign(document.createElement("button"), {
        type: "button",
        id: `face-${index}`,
        ariaLabel: `${translate("Face")} ${index + 1}`,
      });
      button.append(Object.assign(document.createElement("img"), { src: picture, alt: "" }));
      button.addEventListener("click", () => page.act("select_face", { face: index }));
      return button;
    }));
    markSelected();
  });
  on("no-face", () => faces.replaceChildren());

  async function openExample(name, isFirst = false) {
    const requestNumber = newestRequest += 1;
    if (!isFirst) document.body.dataset.busy = "photo";
    const answer = await page.runQueued("open_example", { name, model: session.model });
    if (requestNumber !== newestRequest) return;
    delete document.body.dataset.busy;
    ownPhoto = null;
    if (answer.problem) return page.toast(answer.problem, "photo");
    const hasLink = recipeLink !== null;
    await showPhoto(answer, false);
    if (isFirst && !hasLink) smile();
  }
  for (const button of examples.children) button.addEventListener("click", () => openExample(button.dataset.name));

  // Preview a smile and back, once. Any action of the visitor ends it. It is left out for visitors who
  // prefer reduced motion.
  function smile() {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const token = session.token, start = { ...session.state.expression };
    let isStopped = false;
    const stop = () => {
      if (!isStopped && session.token === token) page.cancelDrag();
      isStopped = true;
    };
    for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, stop, { once: true, capture: true });
    on("opening", stop);
    const startTime = performance.now();
    const step = () => {
      const fraction = (performance.now() - startTime) / SMILE_MS;
      if (isStopped || session.token !== token) return;
      if (fraction >= 1) {
        stop();
        document.body.dataset.smiled = "";  // for tests
        return;
      }
      const amount = Math.sin(Math.PI * fraction) ** 2, expression = { ...start };
      for (const key of Object.keys(expression)) {
        const target = SMILE[key] ?? SMILE[key.slice(0, -1)];  // the key without its side
        if (target > expression[key]) expression[key] += amount * (target - expression[key]);
      }
      page.preview({ expression });
      page.emit("preview", { expression, request: {} });  // without the request, controls.js moves the sliders
      setTimeout(step, SMILE_STEP_MS);
    };
    step();
  }
  openExample(examples.children[0].dataset.name, true);
});
