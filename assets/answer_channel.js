// Answers of queued handlers arrive as the value of this hidden element. Gradio runs this script with
// `watch` and `props` defined.
watch("value", () => window.moodganimation.receive(props.value));
