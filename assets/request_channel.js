// Connects store.js with the server, from a hidden element of Gradio: functions without a queue,
// uploads, and events that start queued handlers. Keep EVENTS in step with build() of demo/ui/page.py.
// Gradio runs this script with `server`, `upload` and `trigger` defined.
const EVENTS = ["open_photo", "open_example", "switch_model", "copy_expression", "save_photo", "share_recipe",
  "restore_recipe", "edit_recording", "write_animation", "edit_film", "drive_photo", "follow_trajectory",
  "draw_sheet", "save_recording"];
window.moodganimation.connect({
  server,
  upload,
  trigger: (name, data) => {
    if (EVENTS.includes(name)) trigger(name, data);
  },
});
