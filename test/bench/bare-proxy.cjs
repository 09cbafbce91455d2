// The least that a Node process can do to pass a GET on with undici: what the checks of the front door cost is the distance to it.
const http = require('node:http');
const { Pool } = require('undici');

const [target, port] = process.argv.slice(2);
const pool = new Pool(target, { connections: 64 });
const server = http.createServer((request, response) => {
  const { authorization = '' } = request.headers;
  pool.dispatch(
    { path: request.url, method: request.method, headers: ['authorization', authorization] },
    {
      onRequestStart: () => undefined,
      onResponseStart: (_, status, { 'content-type': type, 'content-length': length }) =>
        response.writeHead(status, { 'content-type': type, 'content-length': length }),
      onResponseData: (_, chunk) => response.write(chunk),
      onResponseEnd: () => response.end(),
      onResponseError: () => response.destroy(),
    },
  );
});
server.listen(Number(port), '127.0.0.1');
