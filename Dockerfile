# Two stages: what builds is not in what runs. Built with: docker build -t predmarket .
FROM python:3.11-slim AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/predmarket
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY tools/package_readme.py tools/package_readme.py
COPY predmarket predmarket
# the environment moves on without its installer
RUN /opt/predmarket/bin/pip install -c constraints.txt ".[kalshi]" \
    && /opt/predmarket/bin/pip uninstall -y pip setuptools

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/predmarket --create-home predmarket
COPY --from=build /opt/predmarket /opt/predmarket
ENV PATH=/opt/predmarket/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PREDMARKET_HOST=0.0.0.0 \
    PREDMARKET_PORT=8000 \
    PREDMARKET_DATA_DIR=/var/lib/predmarket
WORKDIR /var/lib/predmarket
USER 10001
VOLUME /var/lib/predmarket
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=5 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['PREDMARKET_PORT'] + '/healthz', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["predmarket"]
CMD ["serve"]
