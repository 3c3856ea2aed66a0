// The other panels: films, contact sheets, animations, how a result was made, and the menu. Each form
// sends the values of its controls; the stage shows the answer.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { on, act, data, translate } = page;
  const $ = (id) => element.querySelector(`#${id}`);

  for (const range of element.querySelectorAll(".field input[type=range]")) {
    range.addEventListener("input", () => { const output = range.nextElementSibling; if (output) output.value = range.value; });
  }
  function onSubmit(form, listener) {
    form.addEventListener("submit", async (event) => { event.preventDefault(); await page.commit(); listener(form); });
  }
  // `page.uploadFile`, with a toast if the upload fails.
  async function uploadFile(input) {
    try { return await page.uploadFile(input); } catch (error) { page.toast(translate("The file could not be sent. It may be too large: at most 40 MB."), "file"); }
    return undefined;
  }
  function showFilm(form, answer) {
    if (!answer.film) return;
    page.showFilm(answer.film);
    page.showOutcome(form, answer.notes, [answer.film, ...answer.files ?? []]);
    const drawing = form.querySelector(".played");
    if (drawing) { drawing.hidden = !answer.curves; if (answer.curves) drawing.src = answer.curves; }
  }

  // ---- Film ----

  const film = $("film-form");
  const isDrive = () => film.elements.what.value === "drive";
  const updateFilmForm = () => { for (const part of film.querySelectorAll("[data-for]")) part.hidden = (part.dataset.for === "drive") !== isDrive(); };
  for (const choice of film.elements.what) choice.addEventListener("change", updateFilmForm);
  updateFilmForm();
  onSubmit(film, async () => {
    const clip = await uploadFile($("clip")), { strength, regions, by, faces } = page.values(film);
    film.querySelector(".played").hidden = true;
    const [event, request] = isDrive() ? ["drive", { clip, strength, regions, by }] : ["film", { clip, faces }];
    showFilm(film, await page.runWithProgress(event, request, film));
  });
  onSubmit($("follow-form"), async (form) => {
    const { clip_name, fps } = page.values(form);
    const trajectory = await uploadFile($("way")), groundTruth = await uploadFile($("truth"));
    showFilm(form, await page.runWithProgress("follow", { trajectory, ground_truth: groundTruth, clip_name, fps }, form));
  });

  // ---- Explore, export ----

  onSubmit($("explore-form"), async (form) => {
    const answer = await page.runWithProgress("sheet", page.values(form), form);
    if (!answer.picture) return;
    page.showSheet(answer.picture);
    page.showOutcome(form, [], [answer.picture]);
  });
  onSubmit($("export-form"), async (form) => {
    const answer = await page.runWithProgress("animation", page.values(form), form);
    if (!answer.files) return;
    page.showOutcome(form, answer.notes, answer.files);
    const video = answer.files.find((file) => file.orig_name.endsWith(".mp4"));
    if (video) page.showFilm(video);
    else page.showSheet(answer.files[0]);
  });
  $("export-form").addEventListener("change", () => page.measureTimeline());
  $("clear-keys").addEventListener("click", () => act("remove_keyframe", page.timelineSettings()));

  // ---- How it was made ----

  const PANELS_DELAY_MS = 150;
  let panelsTimer = null;
  async function drawPanels() {
    if (document.body.dataset.mode !== "made" || !data.token) return;
    const answer = await page.call("panels", {});
    if (answer.problem) return page.toast(answer.problem, "panels");
    for (const name of ["composite", "attention", "color", "motion"]) $(name).src = answer[name];
    $("bars").innerHTML = answer.bars;
    $("device").textContent = answer.device;
  }
  on("mode", drawPanels);
  on("state", () => { clearTimeout(panelsTimer); panelsTimer = setTimeout(drawPanels, PANELS_DELAY_MS); });

  // ---- Menu ----

  $("reset-all").addEventListener("click", () => act("preset", { name: "the photo" }));
  $("neutral").addEventListener("click", () => act("preset", { name: "neutral" }));
  $("everyone").addEventListener("click", async () => { await page.commit(); act("apply_to_all_faces"); });
  const preset = $("preset-form");
  const applyPreset = () => { if (preset.elements.name.value) act("preset", { name: preset.elements.name.value, intensity: Number(preset.elements.intensity.value) }); };
  preset.addEventListener("change", applyPreset);
  preset.addEventListener("submit", (event) => event.preventDefault());
  for (const lock of element.querySelectorAll("[name=locked]")) {
    lock.addEventListener("change", () => act("confine", { locked: [...element.querySelectorAll("[name=locked]:checked")].map((box) => box.value) }));
  }
  const label = element.querySelector("[name=label]");
  label.addEventListener("change", () => act("label", { on: label.checked }));
  const detail = element.querySelector("[name=detail]");
  detail.addEventListener("change", () => act("detail", { amount: Number(detail.value) }));
  on("state", ({ state }) => {
    for (const lock of element.querySelectorAll("[name=locked]")) lock.checked = state.locked.includes(lock.value);
    label.checked = state.label;
    detail.value = detail.nextElementSibling.value = state.detail;
    preset.elements.name.value = state.preset ?? "";
    preset.elements.intensity.value = state.intensity;
    preset.elements.intensity.nextElementSibling.value = state.intensity;
    $("everyone").disabled = data.faces.length < 2;
  });
  const model = $("model");
  model.addEventListener("change", async () => {
    await page.commit();
    const answer = await page.runQueued("model", { model: model.value });
    if (answer.problem) page.toast(answer.problem, "model");
    else page.applyAnswer(answer);
  });
  on("face", (answer) => { if (answer.model) model.value = data.model = answer.model; });

  // ---- Recipes ----

  $("copy-link").addEventListener("click", async () => {
    await page.commit();
    const answer = await page.runQueued("recipe");
    if (answer.problem) return page.toast(answer.problem, "recipe");
    const link = $("link");
    link.value = `${location.origin}${location.pathname}${location.search}#${answer.link}`;
    link.select();
    await navigator.clipboard?.writeText(link.value).catch(() => {});
    $("copied").textContent = translate("The link is copied. It opens what you see, on the example or on the next photo.");
  });
  $("recipe-file").addEventListener("click", async () => {
    await page.commit();
    const answer = await page.runQueued("recipe");
    if (answer.problem) page.toast(answer.problem, "recipe");
    else page.save(answer.file);
  });
  onSubmit($("restore-form"), async (form) => {
    page.clearToasts("restore");
    const answer = await page.runQueued("restore", { made: await uploadFile($("made-file")), link: form.elements.link.value });
    if (answer.problem) page.toast(answer.problem, "restore");
    else page.applyAnswer(answer);
  });
  on("settings", (settings) => {
    page.fill($("export-form"), settings.animate);
    if (settings.film) {
      const { clip, fps, by, ...rest } = settings.film;
      page.fill(film, { ...rest, ...(by ? { by } : {}), what: by || rest.strength !== undefined ? "drive" : "change" });
      page.fill($("follow-form"), { ...(clip === undefined ? {} : { clip_name: clip }), ...(fps ? { fps } : {}) });
      updateFilmForm();
    }
    page.fill($("explore-form"), settings.explore);
    page.fill($("live-form"), settings.live);
  });
});
