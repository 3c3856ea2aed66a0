"""The theme of the page for Gradio, with our fonts, so that Gradio loads none of its own."""

import gradio as gr

FONTS = (
    "IBM Plex Sans",
    "Noto Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "system-ui",
    "sans-serif",
)


def theme() -> gr.themes.Base:
    """Return a plain theme; assets/page.css has the page's colors."""
    family = [gr.themes.Font(name) for name in FONTS]
    return gr.themes.Base(font=family, font_mono=[gr.themes.Font("ui-monospace")])
