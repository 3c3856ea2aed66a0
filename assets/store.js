// What all scripts of the page share, as window.moodganimation: the state of the selected face, the
// requests to the server, translations, toasts and forms. Python puts it into the page's head with
// the constants `texts` and `endings`; it runs before the other scripts.
//
// Previews during a drag: one request is on its way, and only the newest one waits behind it. An
// action, such as a button's, first commits the drag before it.
(() => {
  const PREVIEW_REST_MS = 250;  // without a change, after which sliders, mood pad and play head are committed
  const PROGRESS_MS = 400;  // between two requests of the progress of a job
  const language = navigator.language.slice(0, 2), words = texts[language] ?? {};
  document.documentElement.lang = texts[language] ? language : "en";
  const translate = (text) => words[text] ?? text;
  const listeners = {};
  let isBusy = false;  // a preview is on its way
  let waiting = null;  // the preview behind it: {request, resolve}
  let generation = 0;  // previews of an older generation are dropped
  let uncommitted = null;  // the last request of a drag that is not committed yet
  let timer = null;  // of `commitSoon`
  let actions = Promise.resolve();  // the answer of the last action; a commit follows it
  const jobs = {};  // {number: function that takes the answer}
  let jobCount = 0, connected;
  const connection = new Promise((resolve) => { connected = resolve; });
  // The open photo. `confirmed` is the last committed state of the server, with its picture.
  const data = { token: null, view: "face", state: { units: {}, keys: [], pins: [] }, confirmed: null, reading: {},
    axes: [], faces: [], places: [], views: { face: [0, 0, 1, 1], photo: [0, 0, 1, 1] }, face_index: 0 };

  // Events and what they carry: the answers of the server with another state "state", face "face", photo
  // "photo" or without a face "faceless"; "preview" (answer and its request), "opening" (a photo file),
  // "settings" ({panel: values}), "mode" (name of the opened panel), "before" (whether the button is
  // held), "mood" (a slider of the mood was moved), "enabled" (whether a photo is open).
  function on(name, listener) { (listeners[name] ??= []).push(listener); }
  function emit(name, detail) { for (const listener of listeners[name] ?? []) listener(detail); }

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
  async function call(name, request) {
    const { server } = await connection;
    return server[name]({ token: data.token, view: data.view, ...request });
  }

  // ---- Drags ----

  // Whether the server computes the units: of a mood, a drag on the face, a reset of a place, or a
  // moment of the timeline. Without these the request's own units count.
  const isResolvedByServer = ({ mood, drag, reset, moment }) => Boolean(mood ?? drag ?? reset ?? moment);

  // Request a preview. Returns the answer; undefined where a newer request or an action replaced it.
  async function preview(request) {
    if (!data.token) return undefined;
    uncommitted = request;
    if (request.units && !isResolvedByServer(request)) data.state.units = request.units;
    if (isBusy) {
      dropWaiting();
      return new Promise((resolve) => { waiting = { request, resolve }; });
    }
    const mine = generation;
    isBusy = true;
    let answer = {};
    try { answer = await call("preview", request); } catch (error) { console.warn("no preview", error); }
    isBusy = false;
    const isCurrent = mine === generation && answer.picture;
    if (isCurrent) {
      if (isResolvedByServer(request)) data.state.units = answer.units;
      data.state.mood = answer.mood;
      emit("preview", { ...answer, request });
    }
    if (waiting) { const next = waiting; waiting = null; next.resolve(preview(next.request)); }
    return isCurrent ? answer : undefined;
  }

  function dropWaiting() {
    waiting?.resolve();
    waiting = null;
  }

  // Commit the drag: one step to undo.
  function commit() {
    clearTimeout(timer);
    timer = null;
    if (!uncommitted) return actions;
    // A drag, a reset and a moment have been resolved by their preview, so its units are committed. The
    // server resolves a mood again, from the units before it.
    const request = { ...uncommitted, units: uncommitted.mood ? uncommitted.units : data.state.units };
    for (const key of ["drag", "reset", "moment"]) delete request[key];
    uncommitted = null;
    return act("commit", request);
  }

  // Commit after a pause, so that keys in quick succession are one step.
  function commitSoon() {
    clearTimeout(timer);
    timer = setTimeout(commit, PREVIEW_REST_MS);
  }

  // Drop the drag, and show the last committed state.
  function cancel() {
    generation += 1;
    dropWaiting();
    uncommitted = null;
    clearTimeout(timer);
    timer = null;
    if (data.confirmed) applyAnswer(data.confirmed);
  }

  // ---- Actions ----

  // Store an answer of the server, and emit its events.
  function applyAnswer(answer) {
    if (answer.problem) return toast(answer.problem, "answer");
    for (const key of ["token", "reading", "axes", "views", "faces", "places", "face_index", "photo", "pixels", "model"]) {
      if (answer[key] !== undefined) data[key] = answer[key];
    }
    if (answer.state) {
      data.state = structuredClone(answer.state);
      data.confirmed = { state: answer.state, picture: answer.picture ?? data.confirmed?.picture };
    }
    if (answer.reading) emit("face", answer);
    if (answer.photo) emit("photo", answer);
    if (answer.state) emit("state", answer);
    if (answer.settings) emit("settings", answer.settings);
    // An empty request lets controls.js show the units, since no slider was moved.
    if (answer.sliders) { data.state.units = answer.sliders; emit("preview", { units: answer.sliders, request: {} }); }
  }

  // Do an action (see demo/handlers/actions.py) and apply its answer. Any action but "commit" first
  // commits the drag, and so waits for the actions before it; a commit waits for them itself.
  function act(name, request = {}) {
    const before = name === "commit" ? null : commitPending();
    generation += 1;
    dropWaiting();
    if (name !== "commit") uncommitted = null;
    const run = async () => {
      if (before) await before;
      try {
        const answer = await call("act", { do: name, ...request });
        clearToasts(name);
        if (answer.problem) toast(answer.problem, name);
        else applyAnswer(answer);
        return answer;
      } catch (error) { toast(translate("The server does not answer. Try again."), name); return { problem: String(error) }; }
    };
    actions = before ? run() : actions.then(run);
    return actions;
  }

  // Commit the drag, if there is one. Resolves once all actions so far are answered.
  function commitPending() { return uncommitted ? commit() : actions; }

  // Send a request through Gradio's queue. The answer arrives in the answer channel, with the job's
  // number.
  async function runQueued(event, request = {}) {
    await commitPending();
    const { trigger } = await connection, job = `${Date.now()}-${jobCount += 1}`;
    const answer = new Promise((resolve) => { jobs[job] = resolve; });
    trigger(event, { token: data.token, view: data.view, ...request, job });
    return answer;
  }

  // Take an answer of the answer channel.
  function receive(answer) {
    jobs[answer?.job]?.(answer);
    delete jobs[answer?.job];
  }

  // Send a request through the queue, with a progress bar and a cancel button in a form.
  async function runWithProgress(event, request, form) {
    const bar = form.querySelector(".working"), status = bar.querySelector("span"), meter = bar.querySelector("progress");
    const buttons = [...form.querySelectorAll("button.primary")];
    buttons.forEach((button) => { button.disabled = true; });
    bar.hidden = false;
    form.querySelector(".outcome")?.replaceChildren();
    status.textContent = "";
    meter.removeAttribute("value");
    const poll = setInterval(async () => {
      const { label, done, total } = await call("progress", {}).catch(() => ({}));
      if (!label) return;
      status.textContent = total ? `${label} ${done} / ${total}` : label;
      if (total) { meter.max = total; meter.value = done; }
    }, PROGRESS_MS);
    bar.querySelector("button").onclick = () => call("act", { do: "cancel" });
    clearToasts(event);
    const answer = await runQueued(event, request);
    clearInterval(poll);
    bar.hidden = true;
    buttons.forEach((button) => { button.disabled = false; });
    if (answer.problem) toast(answer.problem, event);
    if (answer.cancelled) showOutcome(form, [answer.cancelled]);
    return answer;
  }

  // Show the notes and files of a job in its form.
  function showOutcome(form, notes = [], files = []) {
    const outcome = form.querySelector(".outcome");
    outcome.replaceChildren(...notes.map((note) => Object.assign(document.createElement("p"), { textContent: note })),
      ...files.map((file) => {
        const link = Object.assign(document.createElement("a"), { href: file.url, download: file.orig_name, textContent: file.orig_name });
        link.addEventListener("click", (event) => { event.preventDefault(); save(file); });
        return link;
      }));
  }

  // Download a file. In a frame of another site browsers send no cookie with a plain download, so
  // the page fetches the file as it does everything else.
  async function save(file) {
    const answer = await fetch(file.url);
    if (!answer.ok) return toast(translate("The file is gone. Make it once more."), "save");
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
      const close = Object.assign(document.createElement("button"), { type: "button", textContent: "✕", ariaLabel: translate("Close") });
      close.onclick = () => element.remove();
      element.append(close);
      document.querySelector("#toasts")?.append(element);
    }
  }

  function clearToasts(key) {
    for (const element of document.querySelectorAll(".toast")) if (element.dataset.key === key) element.remove();
  }

  // ---- Files and forms ----

  const isPhoto = (file) => file.type.startsWith("image/") || endings.some((end) => file.name.toLowerCase().endsWith(end));

  // Upload the file of a file input, and return it as requests name it; undefined without one.
  async function uploadFile(input) {
    const file = input?.files[0];
    if (!file) return undefined;
    const { upload } = await connection, { path } = await upload(file);
    return { path, orig_name: file.name };
  }

  // The values of a form's controls, by name. Check boxes with a value make a list.
  function values(form) {
    const found = {};
    for (const control of form.elements) {
      const { name, type, value, checked } = control;
      if (!name || type === "file") continue;
      if (type === "radio") { if (checked) found[name] = value; }
      else if (type === "checkbox" && value !== "on") { (found[name] ??= []); if (checked) found[name].push(value); }
      else if (type === "checkbox") found[name] = checked;
      else if (type === "range" || type === "number") found[name] = Number(value);
      else found[name] = value;
    }
    return found;
  }

  // Set a form's controls to values that `values` returned.
  function fill(form, settings = {}) {
    for (const [name, value] of Object.entries(settings)) {
      for (const control of form.querySelectorAll(`[name="${name}"]`)) {
        if (control.type === "radio") control.checked = control.value === value;
        else if (control.type === "checkbox") control.checked = control.value === "on" ? value : value.includes(control.value);
        else { control.value = value; control.dispatchEvent(new Event("input", { bubbles: true })); }
      }
    }
  }

  // Let the arrow keys go round a list of tabs.
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

  window.moodganimation = { translate, mount, on, emit, data, preview, commit, commitSoon, cancel, act, applyAnswer, call,
    runQueued, receive, runWithProgress, showOutcome, isResolvedByServer, save, toast, clearToasts, isPhoto, uploadFile, values, fill,
    enableArrowKeys, endings, motionMap: () => call("motion_map", {}), connect: (ends) => connected(ends),
    state: () => ({ units: { ...data.state.units } }) };
})();
