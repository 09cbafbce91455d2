// Answers with what it runs in. A file named in the path is written to DATA_DIR, so that a test can see where that is.
const { createServer } = require('node:http');
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');

createServer((request, response) => {
  const name = request.url.slice(1);
  if (request.method === 'PUT') writeFileSync(join(process.env.DATA_DIR, name), 'written');
  const { env, pid, execArgv } = process;
  response.end(JSON.stringify({ env, pid, execArgv, cwd: process.cwd() }));
}).listen(Number(process.env.PORT), process.env.HOST, () => console.log('listening'));

process.on('SIGTERM', () => process.exit(0));
