# docker build .                                                                        for CPUs, without CUDA
# docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu126 .         for NVIDIA's GPUs
# docker build --build-arg EXTRAS=postgresql,redis .                                    with extras of pyproject.toml
FROM python:3.12-slim

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

RUN useradd --create-home --uid 1000 boundaryclick && install -d -o boundaryclick /data
ENV XDG_DATA_HOME=/data XDG_CACHE_HOME=/home/boundaryclick/.cache PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
# On its own, so that a change of the sources does not download it again.
RUN pip install --no-cache-dir --index-url "$TORCH_INDEX" torch torchvision
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY model ./model
COPY backend ./backend
COPY plugins ./plugins
ARG EXTRAS=
RUN pip install --no-cache-dir ".${EXTRAS:+[$EXTRAS]}"

USER boundaryclick
# The shipped weights, converted for CPUs: the root file system may be read-only later.
RUN python -c "import model; model.load_predictor(runtime='openvino')"
VOLUME /data
EXPOSE 9090
HEALTHCHECK --interval=15s --timeout=12s --start-period=120s \
    CMD python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9090/ready', timeout=11)"
CMD ["boundaryclick", "serve", "--host", "0.0.0.0", "--port", "9090"]
