import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { invalid } from './api-error';

/** A registered image: what to run, and the port it listens on unless its configuration names another. */
export interface Image {
  folder: string;
  /** The program, an absolute path, and its arguments. */
  command: [string, ...string[]];
  port: number;
}

/**
 * Images are folders with an `image.json`: `{"command": ["node", "start.js"], "port": 3000}`. A request can only name one;
 * no command ever comes from a request. `node` is the platform's own; arguments that are files of the folder become absolute.
 */
export class Images {
  constructor(private readonly root: string) {}

  /** `config.image` to the image; a tag or digest is ignored. Throws a 400 where none is registered under the name. */
  find(reference: string): Image {
    const name = reference.split(/[:@]/, 1)[0] ?? '';
    if (!/^[a-z0-9][a-z0-9._-]*$/.test(name)) throw notRegistered(reference);
    const folder = join(this.root, name);
    let text: string;
    try {
      text = readFileSync(join(folder, 'image.json'), 'utf8');
    } catch {
      throw notRegistered(reference);
    }
    return parseImage(folder, text);
  }
}

function parseImage(folder: string, text: string): Image {
  const { command, port } = JSON.parse(text) as { command?: unknown; port?: unknown };
  if (!Array.isArray(command) || !command.every((word) => typeof word === 'string') || typeof port !== 'number') {
    throw new Error(`${folder}/image.json should have a command, a list of texts, and a port.`);
  }
  const [program = '', ...args] = command;
  const inFolder = (word: string) => (existsSync(join(folder, word)) ? resolve(folder, word) : word);
  return {
    folder,
    command: [program === 'node' ? process.execPath : inFolder(program), ...args.map(inFolder)],
    port,
  };
}

const notRegistered = (reference: string) => invalid(`no image is registered as ${JSON.stringify(reference)}`);
