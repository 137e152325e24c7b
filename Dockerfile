# The connector as a container image. Debian's packages alone; the image that runs has no compiler.
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
        cmake ninja-build gcc libc6-dev pkg-config libpq-dev libssl-dev libck-dev libcjson-dev uuid-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY CMakeLists.txt ./
COPY cmake cmake
COPY include include
COPY src src
RUN cmake -S . -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON \
        -DBUILD_TESTING=OFF \
    && cmake --build /build && cmake --install /build --prefix /install --strip

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends libpq5 libck0 libcjson1 libuuid1 \
    && useradd --system --uid 900 --user-group --no-create-home connector \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /usr/share/doc/*
COPY --from=build /install/bin/source-postgres /usr/local/bin/source-postgres
USER connector
ARG VERSION=0.1.0
LABEL io.airbyte.name="source-postgres" \
      io.airbyte.version="${VERSION}" \
      FLOW_RUNTIME_PROTOCOL="capture" \
      FLOW_RUNTIME_CODEC="json" \
      CONNECTOR_PROTOCOL="flow-capture"
ENV AIRBYTE_ENTRYPOINT="/usr/local/bin/source-postgres"
ENTRYPOINT ["/usr/local/bin/source-postgres"]
