"""The page and the API: a web application of one Animator. Only this package imports gradio."""
