// What all scripts of the page share, as window.moodganimation: the open session, requests to the
// server, translations, toasts and forms. demo/ui/page.py puts it into the page's head with the
// constants `texts` and `pictureEndings`. It runs before the other scripts.
//
// During a drag at most one preview request is sent to the server at a time, and only the newest one
// waits. An action, such as that of a button, first commits the drag before it.
(() => {
  const COMMIT_DELAY_MS = 250;  // without a change, until sliders, mood pad and play head are committed
  const PROGRESS_INTERVAL_MS = 400;  // between two requests of the progress of a job
  const language = navigator.language.slice(0, 2), translations = texts[language] ?? {};
  document.documentElement.lang = texts[language] ? language : "en";
  const translate = (text) => translations[text] ?? text;
  const listeners = {};
  let isPreviewing = false;  // a preview request has no answer yet
  let waitingPreview = null;  // the next preview: {request, resolve}
  // Rises with every action and every cancelled drag; the answers of previews before it are dropped.
  let generation = 0;
  let uncommitted = null;  // the last request of a drag that is not committed yet
  let moodStart = null;  // the expression before a drag of the mood, from which all its moods start
  let commitTimer = null;  // of `commitSoon`
  let lastAction = Promise.resolve();  // the promise of the last action's answer
  const jobs = {};  // {number: the function that resolves the promise of the answer}
  let jobCount = 0, resolveConnection;
  const connection = new Promise((resolve) => {
    resolveConnection = resolve;
  });
  // The open photo and its selected face, as the server answers them. `state` follows the drag;
  // `confirmed` is the last committed state, with its picture.
  const session = {
    token: null,
    view: "face",
    state: { expression: {}, keyframes: [], pins: [] },
    confirmed: null,
    reading: {},
    axes: [],
    faces: [],
    face_corners: [],
    view_boxes: { face: [0, 0, 1, 1], photo: [0, 0, 1, 1] },
    face_index: 0,
  };

  // What an answer has for `session`, beside its state.
  const SESSION_KEYS = ["token", "reading", "axes", "view_boxes", "faces", "face_corners", "face_index", "photo",
    "size_text", "model"];

  // Events and their values. An answer of the server: "state" with a new state, "face" with another face or
  // another view of it, "photo" with another photo (and its token) or another model, "no-face" with a photo
  // without a face. Others: "preview" (answer and its request), "opening" (a photo file), "settings" ({key of
  // the recipe: values}; "animate" is of the panel "export"), "panel" (name of the opened panel), "before"
  // (whether its button is held), "mood" (a mood slider was moved), "enabled" (whether a photo is open), "committing"
  // (before an action or a commit).
  function on(name, listener) {
    (listeners[name] ??= []).push(listener);
  }
  function emit(name, detail) {
    for (const listener of listeners[name] ?? []) listener(detail);
  }

  // Translate the texts of an element: data-text is its content, data-text-title its tooltip, and
  // data-text-label its name for screen readers.
  function translateElement(root) {
    for (const part of root.querySelectorAll("[data-text]")) part.textContent = translate(part.dataset.text);
    for (const part of root.querySelectorAll("[data-text-title]")) part.title = translate(part.dataset.textTitle);
    for (const part of root.querySelectorAll("[data-text-label]")) part.ariaLabel = translate(part.dataset.textLabel);
    for (const group of root.querySelectorAll("optgroup[data-text-label]")) group.label = translate(group.dataset.textLabel);
  }

  // Translate a part of the page, and start its script.
  function mount(element, start) {
    translateElement(element);
    start(element);
  }

  // Call a server function, without a queue.
  async function callServer(name, request) {
    const { server } = await connection;
    return server[name]({ token: session.token, view: session.view, ...request });
  }

  // ---- Drags ----

  // Whether the server computes the expression: from a mood, a drag on the face, a reset of a place, or a
  // moment of the timeline. Without these the request's own expression counts.
  const isResolvedByServer = ({ mood, drag, reset, moment }) => Boolean(mood ?? drag ?? reset ?? moment);

  // Request a preview. Returns the answer; undefined where a newer request or an action replaced it, or
  // where it failed.
  async function preview(request) {
    if (!session.token) return undefined;
    moodStart = request.mood ? moodStart ?? session.state.expression : null;
    if (request.mood) request = { ...request, expression: moodStart };
    uncommitted = request;
    if (request.expression && !isResolvedByServer(request)) session.state.expression = request.expression;
    if (isPreviewing) {
      dropWaiting();
      return new Promise((resolve) => {
        waitingPreview = { request, resolve };
      });
    }
    const startGeneration = generation;
    isPreviewing = true;
    let answer = {};
    try {
      answer = await callServer("preview", request);
    } catch (error) {
      console.warn("no preview", error);
    }
    isPreviewing = false;
    const isCurrent = startGeneration === generation && answer.picture;
    if (isCurrent) {
      if (isResolvedByServer(request)) session.state.expression = answer.expression;
      session.state.mood = answer.mood;
      emit("preview", { ...answer, request });
    }
    if (waitingPreview) {
      const next = waitingPreview;
      waitingPreview = null;
      next.resolve(preview(next.request));
    }
    return isCurrent ? answer : undefined;
  }

  function dropWaiting() {
    waitingPreview?.resolve();
    waitingPreview = null;
  }

  // Commit the drag, if there is one, as one step to undo. Resolves once all actions are answered.
  function commit() {
    emit("committing");
    clearTimeout(commitTimer);
    commitTimer = null;
    if (!uncommitted) return lastAction;
    // The preview has resolved a drag, a reset or a moment, so its expression is committed. The
    // server resolves a mood again, from the expression before it. Sliders are committed as they were
    // moved, since the answer of an earlier commit may have replaced the state meanwhile.
    const isPreviewed = isResolvedByServer(uncommitted) && !uncommitted.mood;
    const request = { ...uncommitted };
    if (isPreviewed || !request.expression) request.expression = session.state.expression;
    for (const key of ["drag", "reset", "moment"]) delete request[key];
    uncommitted = moodStart = null;
    return act("commit", request);
  }

  // Commit after a pause, so that keys in quick succession are one step. A preview without an answer is
  // waited for, since a commit would drop it with the expression that the server computes.
  function commitSoon() {
    clearTimeout(commitTimer);
    commitTimer = setTimeout(() => isPreviewing ? commitSoon() : commit(), COMMIT_DELAY_MS);
  }

  // Drop the drag, and show the last committed state again.
  function cancelDrag() {
    generation += 1;
    dropWaiting();
    uncommitted = moodStart = null;
    clearTimeout(commitTimer);
    commitTimer = null;
    if (session.confirmed) applyAnswer(session.confirmed);
  }

  // ---- Actions ----

  // Store an answer of the server, and emit its events.
  function applyAnswer(answer) {
    if (answer.problem) return toast(answer.problem, "answer");
    for (const key of SESSION_KEYS) {
      if (answer[key] !== undefined) session[key] = answer[key];
    }
    if (answer.state) {
      session.state = structuredClone(answer.state);
      session.confirmed = { state: answer.state, picture: answer.picture ?? session.confirmed?.picture };
    }
    if (answer.settings) emit("settings", answer.settings);  // before the timeline is measured with them
    if (answer.reading) emit("face", answer);
    if (answer.photo) emit("photo", answer);
    if (answer.state) emit("state", answer);
    // The empty request tells controls.js to show the expression, since no slider was moved.
    if (answer.expression) {
      session.state.expression = answer.expression;
      emit("preview", { expression: answer.expression, request: {} });
    }
  }

  // Run an action (see demo/handlers/actions.py) and apply its answer. Every action but "commit" first
  // commits the drag, and so waits for the actions before it. A commit waits for them itself.
  function act(name, request = {}) {
    const before = name === "commit" ? null : commit();
    generation += 1;
    dropWaiting();
    if (name !== "commit") uncommitted = null;
    const run = async () => {
      if (before) await before;
      try {
        const answer = await callServer("act", { action: name, ...request });
        clearToasts(name);
        if (answer.problem) toast(answer.problem, name);
        else applyAnswer(answer);
        return answer;
      } catch (error) {
        toast(translate("The server does not answer. Try again."), name);
        return { problem: String(error) };
      }
    };
    lastAction = before ? run() : lastAction.then(run);
    return lastAction;
  }

  const newJob = () => `${Date.now()}-${jobCount += 1}`;

  // Send a request through Gradio's queue. The answer arrives through the answer channel, with the
  // number of the job.
  async function runQueued(event, request = {}, job = newJob()) {
    await commit();
    const { trigger } = await connection;
    const answer = new Promise((resolve) => {
      jobs[job] = resolve;
    });
    trigger(event, { token: session.token, view: session.view, ...request, job });
    return answer;
  }

  // Take an answer of the answer channel.
  function receive(answer) {
    jobs[answer?.job]?.(answer);
    delete jobs[answer?.job];
  }

  // Send a request through the queue, with a progress bar and a cancel button in a form.
  async function runWithProgress(event, request, form) {
    const bar = form.querySelector(".job-progress");
    const status = bar.querySelector("span"), meter = bar.querySelector("progress");
    const buttons = [...form.querySelectorAll("button.primary")];
    buttons.forEach((button) => {
      button.disabled = true;
    });
    bar.hidden = false;
    form.querySelector(".outcome")?.replaceChildren();
    status.textContent = "";
    meter.removeAttribute("value");
    const job = newJob();
    const poll = setInterval(async () => {
      const { label, done, total } = await callServer("progress", { job }).catch(() => ({}));
      if (!label) return;
      status.textContent = total ? `${label} ${done} / ${total}` : (done ? `${label} ${done}` : label);
      if (total) {
        meter.max = total;
        meter.value = done;
      } else meter.removeAttribute("value");
    }, PROGRESS_INTERVAL_MS);
    bar.querySelector("button").onclick = () => callServer("act", { action: "cancel_job", job });
    clearToasts(event);
    const answer = await runQueued(event, request, job);
    clearInterval(poll);
    bar.hidden = true;
    buttons.forEach((button) => {
      button.disabled = false;
    });
    if (answer.problem) toast(answer.problem, event);
    if (answer.cancelled) showOutcome(form, [answer.cancelled]);
    return answer;
  }

  // Show the notes and files of a job in its form.
  function showOutcome(form, notes = [], files = []) {
    const outcome = form.querySelector(".outcome");
    outcome.replaceChildren(
      ...notes.map((note) => Object.assign(document.createElement("p"), { textContent: note })),
      ...files.map((file) => {
        const link = Object.assign(document.createElement("a"), {
          href: file.url,
          download: file.orig_name,
          textContent: file.orig_name,
        });
        link.addEventListener("click", (event) => {
          event.preventDefault();
          download(file);
        });
        return link;
      }),
    );
  }

  // Download a file. If the page is in a frame of another site, browsers send no cookie with a plain
  // download, so the file is fetched and downloaded from memory.
  async function download(file) {
    const answer = await fetch(file.url);
    if (!answer.ok) return toast(translate("The file is gone. Make it again."), "save");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = file.orig_name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  // ---- Toasts ----

  // Show messages until the visitor closes them, or until the next toast or success of the same key.
  function toast(messages, key = "") {
    clearToasts(key);
    for (const message of [messages].flat()) {
      const element = Object.assign(document.createElement("div"), { className: "toast", textContent: message });
      element.dataset.key = key;
      const close = Object.assign(document.createElement("button"), {
        type: "button",
        textContent: "✕",
        ariaLabel: translate("Close"),
      });
      close.onclick = () => element.remove();
      element.append(close);
      document.querySelector("#toasts")?.append(element);
    }
  }

  function clearToasts(key) {
    for (const element of document.querySelectorAll(".toast")) if (element.dataset.key === key) element.remove();
  }

  // ---- Files and forms ----

  const isPhoto = (file) =>
    file.type.startsWith("image/") || pictureEndings.some((end) => file.name.toLowerCase().endsWith(end));

  // Upload the file of a file input, and return it as requests contain it; undefined without one.
  async function uploadFile(input) {
    const file = input?.files[0];
    if (!file) return undefined;
    const { upload } = await connection, { path } = await upload(file);
    return { path, orig_name: file.name };
  }
  // The same; if the upload fails, show a toast and return null.
  async function uploadOrToast(input) {
    try {
      return await uploadFile(input);
    } catch (error) {
      toast(translate("The file could not be sent. It may be too large: at most 40 MB."), "file");
      return null;
    }
  }

  // The values of a form's controls, by name. Check boxes with a value make a list.
  function formValues(form) {
    const found = {};
    for (const control of form.elements) {
      const { name, type, value, checked } = control;
      if (!name || type === "file") continue;
      if (type === "radio") {
        if (checked) found[name] = value;
      } else if (type === "checkbox" && value !== "on") {
        found[name] ??= [];
        if (checked) found[name].push(value);
      } else if (type === "checkbox") found[name] = checked;
      else if (type === "range" || type === "number") found[name] = Number(value);
      else found[name] = value;
    }
    return found;
  }

  // Set a form's controls to values as `formValues` returns them. The form gets one event "change".
  function fillForm(form, settings = {}) {
    for (const [name, value] of Object.entries(settings)) {
      for (const control of form.querySelectorAll(`[name="${name}"]`)) {
        if (control.type === "radio") control.checked = control.value === value;
        else if (control.type === "checkbox")
          control.checked = control.value === "on" ? value : value.includes(control.value);
        else {
          control.value = value;
          control.dispatchEvent(new Event("input", { bubbles: true }));
        }
      }
    }
    if (Object.keys(settings).length) form.dispatchEvent(new Event("change"));
  }

  // Let the arrow keys move the focus around a list of tabs.
  function enableArrowKeys(tabs) {
    for (const tab of tabs) {
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
        next.focus();
        next.click();
      });
    }
  }

  window.moodganimation = {
    translate, mount, on, emit, session, preview, commit, commitSoon, cancelDrag, act, applyAnswer, callServer,
    runQueued, receive, runWithProgress, showOutcome, isResolvedByServer, download, toast, clearToasts,
    isPhoto, uploadFile, uploadOrToast, formValues, fillForm, enableArrowKeys, pictureEndings,
    motionMap: () => callServer("motion_map", {}),
    connect: resolveConnection,
    expression: () => ({ ...session.state.expression }),
  };
})();
