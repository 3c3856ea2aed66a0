// The camera: sends a frame when the answer to the previous one has arrived, so that frames never
// queue up, and shows the edited frame on the stage. The server keeps the recording of a stream id.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { translate, session } = page;
  const form = element.querySelector("#live-form"), video = element.querySelector("#live video");
  const cameraButton = element.querySelector("#camera"), recordButton = element.querySelector("#record");
  const calibrateButton = element.querySelector("#calibrate"), status = element.querySelector("#live [role=status]");
  const canvas = document.createElement("canvas");
  const MIRROR_MODE = form.querySelector("[data-mirror]").dataset.mirror;
  const MAX_SIDE = 640, JPEG_QUALITY = 0.85;  // of frames that are sent
  const RATE_DECAY = 0.9;  // of the moving average of frames per second
  let stream = null, streamId = null, isRecording = false, recalibrate = false;
  let framesPerSecond = 0, lastTime = 0;  // frames per second; time of the last frame [ms]

  // The settings if the photo mirrors the camera's face; null if the camera's face is edited.
  const mirrorSettings = () => {
    const { what, strength, regions } = page.formValues(form);
    return what === MIRROR_MODE ? { strength, regions } : null;
  };
  function stop(message) {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    isRecording = false;
    updateControls();
    status.textContent = message || "";
  }
  function updateControls() {
    cameraButton.textContent = stream ? translate("■ Stop the camera") : translate("▶ Start the camera");
    recordButton.textContent = isRecording ? translate("■ Stop recording") : translate("● Record");
    recordButton.disabled = calibrateButton.disabled = !stream;
    const isMirror = mirrorSettings() !== null;
    calibrateButton.hidden = !isMirror;
    form.querySelector("[data-mirror]").hidden = !isMirror;
  }
  function stopFullRecording() {
    isRecording = false;
    updateControls();
    const message = translate("The recording is at its limit: save it, or wait a moment and record a new one.");
    page.toast(message, "recording");
  }
  async function sendFrame() {
    const scale = Math.min(1, MAX_SIDE / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(scale * video.videoWidth);
    canvas.height = Math.round(scale * video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const request = {
      stream_id: streamId,
      picture: canvas.toDataURL("image/jpeg", JPEG_QUALITY),
      expression: session.token ? session.state.expression : null,
      record: isRecording,
      mirror: mirrorSettings(),
      recalibrate,
    };
    recalibrate = false;
    return page.callServer("process_frame", request);
  }
  // Send frames of a stream until it is stopped; another one, started meanwhile, has a loop of its own.
  async function streamFrames(ownStream) {
    while (stream === ownStream) {
      if (!video.videoWidth) {
        await new Promise(requestAnimationFrame);
        continue;
      }
      const answer = await sendFrame().catch((error) => ({ problem: String(error) }));
      if (stream !== ownStream) return;
      if (answer.problem) return stop(answer.problem);
      streamId = answer.stream_id;
      if (answer.full) stopFullRecording();
      if (document.getElementById("stage").dataset.shows !== "camera") page.showOnStage("camera");
      document.getElementById("stage-camera").src = answer.picture;
      const now = performance.now();
      framesPerSecond = lastTime
        ? RATE_DECAY * framesPerSecond + ((1 - RATE_DECAY) * 1000) / (now - lastTime)
        : 0;
      lastTime = now;
      form.dataset.frames = 1 + Number(form.dataset.frames || 0);  // this and the next for tests
      form.dataset.calibrated = answer.calibrated;
      status.textContent = `${framesPerSecond.toFixed(0)} / s` + (answer.found ? "" : ` · ${translate("no face")}`)
        + (answer.calibrated ? "" : ` · ${translate("hold still: measuring your neutral face")}`)
        + (answer.seconds ? ` · ● ${answer.seconds.toFixed(0)} s` : "");
    }
  }
  cameraButton.addEventListener("click", async () => {
    if (stream) {
      stop();
      return page.showOnStage("picture");
    }
    cameraButton.disabled = true;  // a second click would open a second stream
    let opened;
    try {
      opened = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
    } catch (error) {
      return stop(`${translate("The camera cannot be used")}: ${error.message}`);
    } finally {
      cameraButton.disabled = false;
    }
    video.srcObject = stream = opened;
    await video.play();
    if (stream !== opened) return undefined;
    lastTime = 0;
    page.showOnStage("camera");
    updateControls();
    return streamFrames(opened);
  });
  calibrateButton.addEventListener("click", () => {
    recalibrate = true;
  });
  recordButton.addEventListener("click", () => {
    isRecording = !isRecording;
    page.clearToasts("recording");
    updateControls();
  });
  form.addEventListener("change", updateControls);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    stop();
    const answer = await page.runWithProgress("save_recording", { stream_id: streamId }, form);
    if (!answer.film) return;
    page.showFilm(answer.film);
    page.showOutcome(form, [], [answer.film, ...answer.files]);
  });
  element.querySelector("#edit-recording").addEventListener("click", async () => {
    const answer = await page.runQueued("edit_recording", { stream_id: streamId });
    page.clearToasts("keyframes");
    if (answer.problem) return page.toast(answer.problem, "keyframes");
    stop();
    page.showOnStage("picture");
    page.applyAnswer(answer);
    return page.togglePanel("photo");
  });
  page.on("panel", (panel) => {
    if (panel !== "live" && stream) stop();
  });
  updateControls();
});
