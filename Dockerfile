# Two images from one file: `docker build --target whitelist .` and `docker build --target backend .`.
# Of this repository each holds nothing but its one built file.

FROM node:24-bookworm-slim AS build
WORKDIR /src
ENV CI=true
# corepack takes the pnpm that package.json pins. The packages are fetched before the sources come, so
# that a change of the sources downloads nothing again.
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
RUN corepack enable && corepack install && pnpm fetch
COPY . .
RUN pnpm install --frozen-lockfile --offline && pnpm build

FROM node:24-bookworm-slim AS runtime
WORKDIR /app
USER node

# The health checks ask the service itself, through the same program: the image needs no curl. The start
# period leaves room for the registration. Both programs are process 1 and get SIGTERM themselves.
FROM runtime AS whitelist
# A volume that is mounted here for the first time takes over the owner.
USER root
RUN install -d -o node -g node audit
USER node
COPY --from=build /src/dist/whitelist.js ./
EXPOSE 8082
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "whitelist.js", "healthcheck"]
ENTRYPOINT ["node", "whitelist.js"]

FROM runtime AS backend
COPY --from=build /src/dist/backend.js ./
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "backend.js", "healthcheck"]
ENTRYPOINT ["node", "backend.js"]
