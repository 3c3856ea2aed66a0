"""The page: what visitors see, over an animator. The only part of the library that knows gradio."""
