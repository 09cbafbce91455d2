# The control plane, on :8080, its data under /data. Builds with the classic builder and with BuildKit; see docs/DOCKER.md.
#   --target with-tenants   also holds the embedded platform and the tenants' app, which then run inside the container
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
# Where the default registry is not the one to use. Stays in this stage.
ARG NPM_CONFIG_REGISTRY
WORKDIR /src
COPY . .
# Nothing to do where docker/prepare.mjs was run on the same sources before the build; else it installs and builds here.
RUN node docker/prepare.mjs \
 && cd dist/docker/tree \
 && node scripts/build-tenant.mjs \
 && rm -r apps scripts dist/apps/tenant-todo \
 && mkdir ../tenant_modules \
 && mv node_modules/sharp node_modules/@img ../tenant_modules/

FROM ${NODE_IMAGE} AS control-plane
WORKDIR /app
COPY --from=build /src/docker/as-node.sh /src/docker/check-health.sh /usr/local/bin/
COPY --from=build /src/dist/docker/tree/node_modules node_modules
COPY --from=build /src/dist/docker/tree/dist/apps/control-plane dist/apps/control-plane
ENV NODE_ENV=production DATA_DIR=/data MALLOC_ARENA_MAX=1
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["check-health.sh", "8080"]
ENTRYPOINT ["as-node.sh"]
CMD ["node", "--max-semi-space-size=32", "dist/apps/control-plane/main.js"]

FROM control-plane AS with-tenants
COPY --from=build /src/dist/docker/tree/dist/apps/minifly-embedded dist/apps/minifly-embedded
COPY --from=build /src/dist/docker/tree/dist/images dist/images
COPY --from=build /src/dist/docker/tenant_modules node_modules

# What is built where no target is named: tenants run elsewhere.
FROM control-plane
