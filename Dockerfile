FROM python:3.12-slim

RUN useradd --create-home --uid 1000 boundaryclick && install -d -o boundaryclick /data
ENV XDG_DATA_HOME=/data
WORKDIR /app
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY model ./model
COPY backend ./backend
COPY plugins ./plugins
RUN pip install --no-cache-dir .

USER boundaryclick
VOLUME /data
EXPOSE 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9090/ready', timeout=2)"
CMD ["boundaryclick", "serve", "--host", "0.0.0.0", "--port", "9090"]
