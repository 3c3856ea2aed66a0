// The panels of films, contact sheets, animations, "How it was made" and the menu. Each form sends the
// values of its controls, and the stage shows the answer.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { on, act, session, translate } = page;
  const $ = (id) => element.querySelector(`#${id}`);

  for (const range of element.querySelectorAll(".field input[type=range]")) {
    range.addEventListener("input", () => {
      const output = range.nextElementSibling;
      if (output) output.value = range.value;
    });
  }
  function onSubmit(form, listener) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      await page.commit();
      listener(form);
    });
  }
  function showFilm(form, answer) {
    if (!answer.film) return;
    page.showFilm(answer.film);
    page.showOutcome(form, answer.notes, [answer.film, ...answer.files ?? []]);
    const drawing = form.querySelector(".curves-drawing");
    if (drawing) {
      drawing.hidden = !answer.curves;
      if (answer.curves) drawing.src = answer.curves;
    }
  }

  // ---- Film ----

  const filmForm = $("film-form");
  const isDrive = () => filmForm.elements.what.value === "drive";
  const updateFilmForm = () => {
    for (const part of filmForm.querySelectorAll("[data-for]"))
      part.hidden = (part.dataset.for === "drive") !== isDrive();
  };
  for (const choice of filmForm.elements.what) choice.addEventListener("change", updateFilmForm);
  updateFilmForm();
  onSubmit(filmForm, async () => {
    const file = await page.uploadOrToast($("film-file"));
    if (file === null) return;
    const { strength, regions, by, faces } = page.formValues(filmForm);
    filmForm.querySelector(".curves-drawing").hidden = true;
    const [event, request] = isDrive()
      ? ["drive_photo", { film: file, strength, regions, by }]
      : ["edit_film", { film: file, faces }];
    showFilm(filmForm, await page.runWithProgress(event, request, filmForm));
  });
  onSubmit($("follow-form"), async (form) => {
    const { clip_name, fps } = page.formValues(form);
    const trajectory = await page.uploadOrToast($("trajectory"));
    const groundTruth = await page.uploadOrToast($("ground-truth"));
    if (trajectory === null || groundTruth === null) return;
    showFilm(
      form,
      await page.runWithProgress(
        "follow_trajectory",
        { trajectory, ground_truth: groundTruth, clip_name, fps },
        form,
      ),
    );
  });

  // ---- Explore, export ----

  onSubmit($("explore-form"), async (form) => {
    const answer = await page.runWithProgress("draw_sheet", page.formValues(form), form);
    if (!answer.picture) return;
    page.showSheet(answer.picture);
    page.showOutcome(form, [], [answer.picture]);
  });
  onSubmit($("export-form"), async (form) => {
    const answer = await page.runWithProgress("write_animation", page.formValues(form), form);
    if (!answer.files) return;
    page.showOutcome(form, answer.notes, answer.files);
    const video = answer.files.find((file) => file.orig_name.endsWith(".mp4"));
    if (video) page.showFilm(video);
    else page.showSheet(answer.files[0]);
  });
  $("export-form").addEventListener("change", () => page.measureTimeline());
  $("remove-keyframes").addEventListener("click", () => act("remove_keyframe", page.timelineSettings()));

  // ---- How it was made ----

  const EXPLANATION_DELAY_MS = 150;  // without a change, until the explanation is drawn
  let explanationTimer = null;
  async function drawExplanation() {
    if (document.body.dataset.panel !== "explanation" || !session.token) return;
    const answer = await page.callServer("explain", {});
    if (answer.problem) return page.toast(answer.problem, "explanation");
    for (const name of ["composite", "attention", "color", "motion"]) $(name).src = answer[name];
    $("comparison").innerHTML = answer.comparison;
    $("device").textContent = answer.device;
  }
  on("panel", drawExplanation);
  on("state", () => {
    clearTimeout(explanationTimer);
    explanationTimer = setTimeout(drawExplanation, EXPLANATION_DELAY_MS);
  });

  // ---- Menu ----

  $("reset-all").addEventListener("click", () => act("apply_preset", { name: "the photo" }));
  $("neutral").addEventListener("click", () => act("apply_preset", { name: "neutral" }));
  $("all-faces").addEventListener("click", async () => {
    await page.commit();
    act("apply_to_all_faces");
  });
  const presetForm = $("preset-form");
  const applyPreset = () => {
    if (presetForm.elements.name.value)
      act("apply_preset", {
        name: presetForm.elements.name.value,
        intensity: Number(presetForm.elements.intensity.value),
      });
  };
  presetForm.addEventListener("change", applyPreset);
  presetForm.addEventListener("submit", (event) => event.preventDefault());
  for (const lock of element.querySelectorAll("[name=locked]")) {
    lock.addEventListener("change", () =>
      act("restrict_edits", {
        locked: [...element.querySelectorAll("[name=locked]:checked")].map((box) => box.value),
      }),
    );
  }
  const labelBox = element.querySelector("[name=label]");
  labelBox.addEventListener("change", () => act("set_label", { on: labelBox.checked }));
  const detailInput = element.querySelector("[name=detail]");
  detailInput.addEventListener("change", () => act("set_detail", { amount: Number(detailInput.value) }));
  on("state", ({ state }) => {
    for (const lock of element.querySelectorAll("[name=locked]")) lock.checked = state.locked.includes(lock.value);
    labelBox.checked = state.label;
    detailInput.value = detailInput.nextElementSibling.value = state.detail;
    presetForm.elements.name.value = state.preset ?? "";
    presetForm.elements.intensity.value = state.intensity;
    presetForm.elements.intensity.nextElementSibling.value = state.intensity;
    $("all-faces").disabled = session.faces.length < 2;
  });
  const modelSelect = $("model");
  modelSelect.addEventListener("change", async () => {
    await page.commit();
    const answer = await page.runQueued("switch_model", { model: modelSelect.value });
    if (answer.problem) page.toast(answer.problem, "model");
    else page.applyAnswer(answer);
  });
  on("face", (answer) => {
    if (answer.model) modelSelect.value = session.model = answer.model;
  });

  // ---- Recipes ----

  $("copy-link").addEventListener("click", async () => {
    await page.commit();
    const answer = await page.runQueued("share_recipe");
    if (answer.problem) return page.toast(answer.problem, "recipe");
    const link = $("link");
    link.value = `${location.origin}${location.pathname}${location.search}#${answer.link}`;
    link.select();
    await navigator.clipboard?.writeText(link.value).catch(() => {});
    $("copied").textContent = translate("The link is copied. It opens what you see, on the example or on the next photo.");
  });
  $("recipe-file").addEventListener("click", async () => {
    await page.commit();
    const answer = await page.runQueued("share_recipe");
    if (answer.problem) page.toast(answer.problem, "recipe");
    else page.download(answer.file);
  });
  onSubmit($("restore-form"), async (form) => {
    page.clearToasts("restore");
    const file = await page.uploadOrToast($("recipe-source"));
    if (file === null) return;
    const answer = await page.runQueued("restore_recipe", { file, link: form.elements.link.value });
    if (answer.problem) page.toast(answer.problem, "restore");
    else page.applyAnswer(answer);
  });
  on("settings", (settings) => {
    page.fillForm($("export-form"), settings.animate);
    if (settings.film) {
      const { clip, fps, by, ...rest } = settings.film;
      page.fillForm(filmForm, {
        ...rest,
        ...(by ? { by } : {}),
        what: by || rest.strength !== undefined ? "drive" : "change",
      });
      page.fillForm($("follow-form"), { ...(clip === undefined ? {} : { clip_name: clip }), ...(fps ? { fps } : {}) });
      updateFilmForm();
    }
    page.fillForm($("explore-form"), settings.explore);
    page.fillForm($("live-form"), settings.live);
  });
});
