// Connects store.js with the server, from a hidden element of Gradio: functions without a queue,
// uploads, and events that start queued handlers. Keep EVENTS in step with build() of demo/ui/page.py.
// Gradio runs this script with `server`, `upload` and `trigger` defined.
const EVENTS = ["open", "example", "model", "copying", "save", "recipe", "restore", "keyframes",
  "animation", "film", "drive", "follow", "sheet", "recording"];
window.moodganimation.connect({ server, upload, trigger: (name, data) => { if (EVENTS.includes(name)) trigger(name, data); } });
