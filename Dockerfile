# The demo in a container, on the CPU and on CUDA alike. The address of PyTorch's CPU builds as
# --build-arg TORCH_INDEX=URL makes it a tenth of the size, for machines without a GPU.
#   docker build -t moodganimation . && docker run --read-only --tmpfs /tmp -p 7860:7860 moodganimation
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS packages
ARG TORCH_INDEX=
WORKDIR /build
COPY requirements-app.txt ./
RUN python -m venv /opt/venv \
    && if [ -n "$TORCH_INDEX" ]; then \
         /opt/venv/bin/pip install --no-cache-dir torch -i "$TORCH_INDEX"; \
       fi \
    && /opt/venv/bin/pip install --no-cache-dir -r requirements-app.txt

FROM python:${PYTHON}-slim
# What OpenCV asks of the system; Debian keeps only the latest versions, so none is named.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 libxcb1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 user
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY app.py LICENSE ./
COPY moodganimation ./moodganimation
COPY checkpoints ./checkpoints
COPY assets ./assets
RUN /opt/venv/bin/python -m compileall -q moodganimation app.py
ENV PATH=/opt/venv/bin:$PATH GRADIO_SERVER_NAME=0.0.0.0 GRADIO_TEMP_DIR=/tmp/gradio \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 NUMBA_CACHE_DIR=/tmp/numba HOME=/tmp
USER 1000
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/', timeout=4)"]
STOPSIGNAL SIGTERM
CMD ["python", "app.py", "--port", "7860"]
