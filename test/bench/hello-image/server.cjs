// The smallest image that stands in tenant-todo's place for a measurement of the proxy alone; see docs/TENANT-CONTRACT.md.
const { randomUUID } = require('node:crypto');
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const http = require('node:http');
const { join } = require('node:path');

const { DATA_DIR, HOST, PORT, TENANT_ID } = process.env;
const file = join(DATA_DIR, 'database-id');
if (!existsSync(file)) writeFileSync(file, randomUUID());
const ready = JSON.stringify({ tenantId: TENANT_ID, databaseId: readFileSync(file, 'utf8'), schemaVersion: 1 });
const hello = JSON.stringify({ text: 'x'.repeat(1000) });

const server = http.createServer((request, response) => {
  const body = request.url === '/readyz' ? ready : hello;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
});
server.keepAliveTimeout = 75_000;
server.listen(Number(PORT), HOST);
process.on('SIGTERM', () => process.exit(0));
