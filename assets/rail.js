// The rail: opens photos, which may be dropped or pasted anywhere on the page, and lists the faces of
// the open photo, and the examples. The first example is opened at once, and smiles as a preview.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { on, data, translate } = page;
  const input = element.querySelector("#photo input"), faces = element.querySelector("#faces");
  const examples = element.querySelector("#examples");
  input.accept = ["image/*", ...page.endings].join(",");
  const SMILE = { AU12: 0.85, AU06: 0.6, AU25: 0.35 }, SMILE_MS = 1800, SMILE_STEP_MS = 40;
  let opened = null;  // the open file and its upload: {file, sent}
  let newest = 0;  // number of the newest request to open a photo
  // The recipe of the page's address: applied to the example, and again to the visitor's first photo.
  let link = location.hash.startsWith("#recipe=") ? location.hash : null;

  async function open(file, box) {
    const mine = newest += 1;
    page.clearToasts("photo");
    document.body.dataset.busy = "photo";
    page.emit("opening", file);
    let answer;
    try {
      const list = new DataTransfer();
      list.items.add(file);
      opened = { file, sent: opened?.file === file ? opened.sent : await page.uploadFile({ files: list.files }) };
      answer = await page.runQueued("open", { photo: opened.sent, box, model: data.model });
    } catch (error) { answer = { problem: translate("The photo could not be sent. It may be too large: at most 40 MB.") }; }
    if (mine !== newest) return;  // another photo was opened meanwhile
    delete document.body.dataset.busy;
    input.value = "";
    if (answer.faceless) {
      data.token = null;
      page.emit("faceless", answer);
    } else if (answer.problem) page.toast(answer.problem, "photo");
    else await showPhoto(answer, true);
  }

  // Show an opened photo and apply the recipe of the address; isOwn: it is no example.
  async function showPhoto(answer, isOwn) {
    page.clearToasts("photo");
    page.applyAnswer(answer);
    if (isOwn) page.toast(answer.notes ?? [], "photo");
    if (!link) return;
    const restored = await page.runQueued("restore", { link, anywhere: true });
    if (restored.problem) page.toast(restored.problem, "link");
    else page.applyAnswer(restored);
    if (isOwn || restored.problem) link = null;
  }

  // Open the photo again, with the face in a box, in shares of the photo.
  page.openBox = (box) => open(opened.file, box);
  input.addEventListener("change", () => { if (input.files[0]) open(input.files[0]); });
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    document.body.dataset.drop = "";
  });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) delete document.body.dataset.drop; });
  document.addEventListener("drop", (event) => {
    delete document.body.dataset.drop;
    if (!hasFiles(event)) return;
    event.preventDefault();
    const file = [...event.dataTransfer.files].find(page.isPhoto);
    if (file) open(file);
    else page.toast(translate("This is no picture that can be opened here."), "photo");
  });
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(page.isPhoto);
    if (file) open(file);
  });

  function markSelected() {
    [...faces.children].forEach((button, number) => { button.ariaPressed = String(number === data.face_index); });
  }
  on("face", markSelected);
  on("photo", () => {
    faces.replaceChildren(...data.faces.map((picture, number) => {
      const button = Object.assign(document.createElement("button"), { type: "button", id: `face-${number}`, ariaLabel: `${translate("Face")} ${number + 1}` });
      button.append(Object.assign(document.createElement("img"), { src: picture, alt: "" }));
      button.addEventListener("click", () => page.act("select_face", { face: number }));
      return button;
    }));
    markSelected();
  });
  on("faceless", () => faces.replaceChildren());

  async function openExample(name, isFirst = false) {
    const mine = newest += 1;
    if (!isFirst) document.body.dataset.busy = "photo";
    const answer = await page.runQueued("example", { name, model: data.model });
    if (mine !== newest) return;
    delete document.body.dataset.busy;
    opened = null;
    if (answer.problem) return page.toast(answer.problem, "photo");
    const hasLink = link !== null;
    await showPhoto(answer, false);
    if (isFirst && !hasLink) smile();
  }
  for (const button of examples.children) button.addEventListener("click", () => openExample(button.dataset.name));

  // Preview a smile and back, once. It ends when the visitor does anything; not for those who prefer
  // reduced motion.
  function smile() {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const token = data.token, start = { ...data.state.units };
    let stopped = false;
    const stop = () => {
      if (!stopped && data.token === token) page.cancel();
      stopped = true;
    };
    for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, stop, { once: true, capture: true });
    on("opening", stop);
    const began = performance.now();
    const step = () => {
      const share = (performance.now() - began) / SMILE_MS;
      if (stopped || data.token !== token) return;
      if (share >= 1) { stop(); document.body.dataset.smiled = "";  /* for tests */ return; }
      const amount = Math.sin(Math.PI * share) ** 2, units = { ...start };
      for (const key of Object.keys(units)) {
        const target = SMILE[key] ?? SMILE[key.slice(0, -1)];  // the key without its side
        if (target > units[key]) units[key] += amount * (target - units[key]);
      }
      page.preview({ units });
      page.emit("preview", { units, request: {} });  // without the request, controls.js moves the sliders
      setTimeout(step, SMILE_STEP_MS);
    };
    step();
  }
  openExample(examples.children[0].dataset.name, true);
});
