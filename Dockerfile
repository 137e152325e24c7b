# The connector as a container image. Debian's packages alone; the image that runs has no compiler.
# As the file VERSION has it. scripts/image names the commit, too, which cannot be seen in here.
ARG VERSION=0.1.0

FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
        cmake ninja-build gcc libc6-dev pkg-config libpq-dev libssl-dev libck-dev libcjson-dev uuid-dev \
        libprotobuf-c-dev protobuf-c-compiler libssh-dev libmicrohttpd-dev libzstd-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY CMakeLists.txt VERSION ./
COPY cmake cmake
COPY docs docs
COPY include include
COPY packaging packaging
COPY src src
ARG VERSION
# Where the pages of docs/ can be read, for the platform to link to.
ARG DOCUMENTATION_URL=
RUN cmake -S . -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON \
        -DBUILD_TESTING=OFF -DDOCUMENTATION_URL="$DOCUMENTATION_URL" -DVERSION="$VERSION" \
    && cmake --build /build && cmake --install /build --prefix /install --strip

FROM debian:bookworm-slim
# No account is made: its entry would carry the date. What the packages' licences ask for stays in /usr/share/doc.
RUN apt-get update && apt-get install -y --no-install-recommends libpq5 libck0 libcjson1 libuuid1 libprotobuf-c1 libssh-4 libmicrohttpd12 libzstd1 \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/*
COPY --from=build /install/bin/source-postgres /usr/local/bin/source-postgres
COPY --from=build /install/share/doc/source-postgres /usr/local/share/doc/source-postgres
# By number, so that an orchestrator can tell that it is not root. Any other does as well.
USER 900:900
ARG VERSION
LABEL org.opencontainers.image.title="source-postgres" \
      org.opencontainers.image.description="Captures PostgreSQL tables and their changes as JSON lines" \
      org.opencontainers.image.version="${VERSION}" \
      io.airbyte.name="source-postgres" \
      io.airbyte.version="${VERSION}" \
      FLOW_RUNTIME_PROTOCOL="capture" \
      FLOW_RUNTIME_CODEC="proto" \
      CONNECTOR_PROTOCOL="flow-capture"
# The label tells Flow, the variable the program.
ENV AIRBYTE_ENTRYPOINT="/usr/local/bin/source-postgres" \
    FLOW_RUNTIME_CODEC="proto"
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/source-postgres"]
