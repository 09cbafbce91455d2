// The floor of a wake: Node, node:http, better-sqlite3 with one query.
const http = require('node:http');
const Database = require('better-sqlite3');

const [port, file] = process.argv.slice(2);
const db = new Database(file);
db.pragma('journal_mode = WAL');
db.exec('CREATE TABLE IF NOT EXISTS todos (id INTEGER PRIMARY KEY, title TEXT)');
const list = db.prepare('SELECT * FROM todos');
http
  .createServer((_request, response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify(list.all())),
  )
  .listen(Number(port), '127.0.0.1');
