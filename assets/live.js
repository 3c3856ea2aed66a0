// The camera: the newest frame goes to the server when the one before has come back, so that none
// ever waits. `value` is the stream's secret name, by which its recording is saved.
const video = element.querySelector("video"), shown = element.querySelector("img");
const start = element.querySelector("#camera"), record = element.querySelector("#record");
const calm = element.querySelector("#calm"), said = element.querySelector("[role=status]");
const canvas = document.createElement("canvas");
shown.alt = say("The camera's picture, edited");
let stream = null, recording = false, resting = false, rate = 0, last = 0;

function units() {
  return [...document.querySelectorAll(".slim input[type=number]")]
    .map((box) => [box.closest("[id^=AU]").id, parseFloat(box.value)])
    .sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}

function stop(why) {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  recording = false;
  label();
  said.textContent = why || "";
}

function label() {
  start.textContent = say(stream ? "■ Camera" : "▶ Camera");
  record.textContent = say(recording ? "■ Record" : "● Record");
  calm.textContent = say("This is my neutral face");
  record.disabled = calm.disabled = !stream;
  calm.hidden = !window.moodganimation?.mirror;
}

async function run() {
  while (stream) {
    if (!video.videoWidth) { await new Promise(requestAnimationFrame); continue; }
    const scale = Math.min(1, 640 / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(scale * video.videoWidth);
    canvas.height = Math.round(scale * video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const rest = resting;
    resting = false;
    let answer;
    try {
      answer = await server.frame({ live: props.value || null, token: window.moodganimation.token(),
        picture: canvas.toDataURL("image/jpeg", 0.85), units: units(), record: recording,
        mirror: window.moodganimation.mirror, calm: rest });
    } catch (problem) { return stop(String(problem)); }
    if (!stream) return;
    if (answer.said) return stop(answer.said);
    if (props.value !== answer.live) props.value = answer.live;
    shown.src = answer.picture;
    const now = performance.now();
    rate = last ? 0.9 * rate + 100 / (now - last) : 0;
    last = now;
    element.dataset.frames = 1 + Number(element.dataset.frames || 0);
    element.dataset.settled = answer.settled;
    calm.hidden = !window.moodganimation.mirror;
    said.textContent = `${rate.toFixed(0)} / s` + (answer.found ? "" : ` · ${say("no face")}`)
      + (answer.settled ? "" : ` · ${say("hold still: reading your neutral face")}`)
      + (answer.seconds ? ` · ● ${answer.seconds.toFixed(0)} s` : "");
  }
}

start.addEventListener("click", async () => {
  if (stream) return stop();
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  } catch (problem) { return stop(`${say("The camera cannot be used")}: ${problem.message}`); }
  video.srcObject = stream;
  await video.play();
  last = 0;
  label();
  run();
});
calm.addEventListener("click", () => { resting = true; });
record.addEventListener("click", () => { recording = !recording; label(); });
label();
