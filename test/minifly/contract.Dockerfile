# A program of the machines contract as a container: --build-arg PROGRAM=echo, built in test/machines-contract/images.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim
FROM ${NODE_IMAGE}
ARG PROGRAM
COPY ${PROGRAM}/start.js /app/
ENV HOST=0.0.0.0 PORT=3000
EXPOSE 3000
CMD ["node", "/app/start.js"]
