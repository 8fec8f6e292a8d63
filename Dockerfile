# docker build -t boardcast .
# docker run -p 127.0.0.1:8888:8888 -v boardcast:/data -e BOARDCAST_AUTH__OPEN_TO_NETWORK=true boardcast
#
# Inside a container the server must listen on all addresses, so it asks for that second setting: whoever
# reaches the published port may change every board. Publish it on 127.0.0.1, as above, unless that is meant.

FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/boardcast && /opt/boardcast/bin/pip install --no-cache-dir '.[mqtt]'

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home boardcast \
    && install -d -o boardcast -g boardcast /data
COPY --from=build /opt/boardcast /opt/boardcast
USER boardcast
WORKDIR /data
VOLUME /data
ENV PYTHONUNBUFFERED=1 BOARDCAST_SERVER__HOST=0.0.0.0 BOARDCAST_SERVER__DATA=/data
EXPOSE 8888
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s CMD ["/opt/boardcast/bin/python", "-c", \
    "import urllib.request as u; u.urlopen('http://127.0.0.1:8888/healthz', timeout=2)"]
ENTRYPOINT ["/opt/boardcast/bin/boardcast"]
CMD ["serve"]
