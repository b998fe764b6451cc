# The server and its workers. `docker build -t touchline .`
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY touchline ./touchline
RUN python -m venv /opt/touchline \
    && /opt/touchline/bin/pip install --no-cache-dir '.[serve,postgres,hub]'

FROM python:3.12-slim
RUN useradd --create-home --uid 10001 touchline \
    && mkdir /data && chown touchline /data
COPY --from=build /opt/touchline /opt/touchline
ENV PATH=/opt/touchline/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TOUCHLINE_DATA=/data \
    TOUCHLINE_HOME=/data/home \
    HF_HOME=/data/home/huggingface \
    TOUCHLINE_HOST=0.0.0.0
USER touchline
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/ready', timeout=4)"]
ENTRYPOINT ["touchline"]
CMD ["serve"]
