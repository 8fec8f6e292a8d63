# docker build -t boardcast .
# docker run --read-only --stop-timeout 30 -p 127.0.0.1:8888:8888 -v boardcast:/data \
#     -e BOARDCAST_AUTH__OPEN_TO_NETWORK=true boardcast
#
# It writes to /data alone, and takes up to 15 s to let everybody go when it is stopped. A server that serves TLS
# by itself needs a health check of its own (--health-cmd).
#
# Inside a container the server must listen on all addresses, so it asks for that second setting: whoever
# reaches the published port may change every board. Publish it on 127.0.0.1, as above, unless that is meant.

FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/boardcast && /opt/boardcast/bin/pip install --no-cache-dir '.[mqtt,uvloop]'

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
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["/opt/boardcast/bin/python", "-c", \
    "import os, urllib.request as u; port = os.environ.get('BOARDCAST_SERVER__PORT', '8888'); \
u.build_opener(u.ProxyHandler({})).open(f'http://127.0.0.1:{port}/healthz', timeout=2)"]
ENTRYPOINT ["/opt/boardcast/bin/boardcast"]
CMD ["serve"]
