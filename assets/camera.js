// The camera: sends its newest frame when the answer to the frame before has arrived, so that no
// frame waits, and shows the edited frame on the stage. The server keeps a recording by stream id.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { translate, data } = page;
  const form = element.querySelector("#live-form"), video = element.querySelector("#live video");
  const start = element.querySelector("#camera"), record = element.querySelector("#record");
  const calibrate = element.querySelector("#calm"), status = element.querySelector("#live [role=status]");
  const canvas = document.createElement("canvas");
  const MIRROR_MODE = form.querySelector("[data-mirror]").dataset.mirror;
  const MAX_SIDE = 640, JPEG_QUALITY = 0.85;  // of frames that are sent
  const RATE_DECAY = 0.9;  // of the moving average of frames per second
  let stream = null, streamId = null, isRecording = false, recalibrate = false;
  let rate = 0, lastTime = 0;  // frames per second; time of the last frame [ms]

  // The settings of the photo as a mirror; null if the camera's face is edited.
  const mirrorSettings = () => {
    const { what, strength, regions } = page.values(form);
    return what === MIRROR_MODE ? { strength, regions } : null;
  };
  function stop(why) {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    isRecording = false;
    updateControls();
    status.textContent = why || "";
  }
  function updateControls() {
    start.textContent = stream ? translate("■ Stop the camera") : translate("▶ Start the camera");
    record.textContent = isRecording ? translate("■ Stop recording") : translate("● Record");
    record.disabled = calibrate.disabled = !stream;
    const isMirror = mirrorSettings() !== null;
    calibrate.hidden = !isMirror;
    form.querySelector("[data-mirror]").hidden = !isMirror;
  }
  async function sendFrame() {
    const scale = Math.min(1, MAX_SIDE / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(scale * video.videoWidth);
    canvas.height = Math.round(scale * video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const request = { stream_id: streamId, picture: canvas.toDataURL("image/jpeg", JPEG_QUALITY), units: data.token ? data.state.units : null,
      record: isRecording, mirror: mirrorSettings(), recalibrate };
    recalibrate = false;
    return page.call("frame", request);
  }
  async function streamFrames() {
    while (stream) {
      if (!video.videoWidth) { await new Promise(requestAnimationFrame); continue; }
      let answer;
      try { answer = await sendFrame(); } catch (error) { return stop(String(error)); }
      if (!stream) return;
      if (answer.problem) return stop(answer.problem);
      streamId = answer.stream_id;
      if (document.getElementById("stage").dataset.shows !== "camera") page.showOnStage("camera");
      document.getElementById("stage-camera").src = answer.picture;
      const now = performance.now();
      rate = lastTime ? RATE_DECAY * rate + (1 - RATE_DECAY) * 1000 / (now - lastTime) : 0;
      lastTime = now;
      form.dataset.frames = 1 + Number(form.dataset.frames || 0);  // this and the next for tests
      form.dataset.calibrated = answer.calibrated;
      status.textContent = `${rate.toFixed(0)} / s` + (answer.found ? "" : ` · ${translate("no face")}`)
        + (answer.calibrated ? "" : ` · ${translate("hold still: reading your neutral face")}`)
        + (answer.seconds ? ` · ● ${answer.seconds.toFixed(0)} s` : "");
    }
  }
  start.addEventListener("click", async () => {
    if (stream) { stop(); return page.showOnStage("picture"); }
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
    } catch (error) { return stop(`${translate("The camera cannot be used")}: ${error.message}`); }
    video.srcObject = stream;
    await video.play();
    lastTime = 0;
    page.showOnStage("camera");
    updateControls();
    return streamFrames();
  });
  calibrate.addEventListener("click", () => { recalibrate = true; });
  record.addEventListener("click", () => { isRecording = !isRecording; updateControls(); });
  form.addEventListener("change", updateControls);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    stop();
    const answer = await page.runWithProgress("recording", { stream_id: streamId }, form);
    if (!answer.film) return;
    page.showFilm(answer.film);
    page.showOutcome(form, [], [answer.film, ...answer.files]);
  });
  element.querySelector("#edit-recording").addEventListener("click", async () => {
    const answer = await page.runQueued("keyframes", { stream_id: streamId });
    page.clearToasts("keyframes");
    if (answer.problem) return page.toast(answer.problem, "keyframes");
    stop();
    page.showOnStage("picture");
    page.applyAnswer(answer);
    return page.togglePanel("photo");
  });
  page.on("mode", (mode) => { if (mode !== "live" && stream) stop(); });
  updateControls();
});
