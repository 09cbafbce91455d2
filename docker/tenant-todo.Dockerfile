# One person's to-do app, on :3000, its volume at /data. Builds with the classic builder and with BuildKit; see docs/DOCKER.md.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim
# Builds LiteFS where docker/litefs/install.sh was not run before; where it was, NODE_IMAGE serves as well.
ARG GO_IMAGE=golang:1.24-bookworm

FROM ${GO_IMAGE} AS litefs
WORKDIR /src
# The second one may not be there.
COPY docker/litefs dist/docker/litef[s] docker/litefs/
RUN docker/litefs/install.sh docker/litefs

FROM ${NODE_IMAGE} AS build
# Where the default registry is not the one to use. Stays in this stage.
ARG NPM_CONFIG_REGISTRY
WORKDIR /src
COPY . .
# Nothing to do where docker/prepare.mjs was run on the same sources before the build; else it installs and builds here. The cached data
# is made here in any case: by the very Node that will read it.
RUN node docker/prepare.mjs \
 && cd dist/docker/tree \
 && node scripts/build-tenant.mjs \
 && mkdir -p /app/node_modules \
 && mv dist/images/tenant-todo/* /app/ \
 && for name in better-sqlite3 sharp @img detect-libc semver; do mv node_modules/$name /app/node_modules/; done \
 && node -p 'require("/app/image.json").command.join(" ")' >/app/command

FROM ${NODE_IMAGE}
# LiteFS mounts by fusermount3.
RUN command -v fusermount3 >/dev/null \
 || (apt-get update && apt-get install -y --no-install-recommends fuse3 && rm -rf /var/lib/apt/lists/*)
WORKDIR /app
COPY --from=litefs /src/docker/litefs/litefs /usr/local/bin/
COPY --from=build /src/docker/as-node.sh /src/docker/check-health.sh /src/docker/litefs-mount.sh /src/docker/tenant-entrypoint.sh /usr/local/bin/
COPY --from=build /src/docker/litefs.yml /etc/litefs.yml
COPY --from=build /app ./
ENV NODE_ENV=production DATA_DIR=/data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["check-health.sh", "3000"]
ENTRYPOINT ["tenant-entrypoint.sh"]
