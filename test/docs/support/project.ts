import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants';
import { RequestMethod } from '@nestjs/common';
import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './markdown';

/** Not written by hand, or not the program: what is named there only is not there. */
const NOT_SOURCES =
  /^(docs|node_modules|dist|data|coverage|test-artefacts|\.git)(\/|$)|\.md$|\.png$|package-lock\.json$/;

/** One route of one of the apps. */
export interface Route {
  method: string;
  /** `/todos/:id`, with the prefix of its controller. */
  path: string;
}

/** Every file of the project that is not made by a build, from its root. */
export function projectFiles(): string[] {
  return fromGit() ?? fromDisk('');
}

/** What the programs, scripts and containers consist of, without the tests: file and text. */
export function sources(): { file: string; text: string }[] {
  return projectFiles()
    .filter((file) => !NOT_SOURCES.test(file) && !file.startsWith('test/docs/') && !/\.spec\.ts$/.test(file))
    .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }));
}

/** The routes that the controllers under a folder have. */
export function routesUnder(folder: string): Route[] {
  const files = projectFiles().filter((file) => file.startsWith(folder) && file.endsWith('.controller.ts'));
  return files.flatMap((file) => {
    const exported = Object.values(loaded(join(ROOT, file)));
    return exported.filter((one) => typeof one === 'function').flatMap(routesOf);
  });
}

/** Whether a name stands in a text by itself, and not as a part of a longer one. */
export function isWordOf(text: string, name: string): boolean {
  return new RegExp(`(?<![\\w$])${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w$])`).test(text);
}

/** The texts of a source as they come out: pieces that are joined with `+`, and lines of the shell, become one. */
export function saidBy(text: string): string {
  return text
    .replace(/['"`]\s*\+\s*['"`]/g, '')
    .replace(/\\(['"`])/g, '$1')
    .replace(/\s+/g, ' ');
}

function routesOf(controller: object): Route[] {
  const prefixes = asList(pathsOf(controller));
  const { prototype } = controller as { prototype: object };
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const handler = Object.getOwnPropertyDescriptor(prototype, name)?.value as object | undefined;
    if (typeof handler !== 'function') return [];
    const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
    if (method === undefined) return [];
    const paths = asList(pathsOf(handler));
    return prefixes.flatMap((prefix) =>
      paths.map((path) => ({
        method: RequestMethod[method],
        path: `/${prefix}/${path}`.replace(/\/+/g, '/').replace(/(?<=.)\/$/, ''),
      })),
    );
  });
}

const pathsOf = (what: object) => Reflect.getMetadata(PATH_METADATA, what) as string | string[] | undefined;

/** Nest takes one path or several. */
function asList(path: string | string[] | undefined): string[] {
  return path === undefined ? [] : [path].flat();
}

function loaded(file: string): Record<string, unknown> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the files are found, not known
  return require(file) as Record<string, unknown>;
}

function fromGit(): string[] | null {
  try {
    const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const files = listed.split('\n').filter((file) => file !== '' && isFile(file));
    return files.includes('package.json') ? files : null;
  } catch {
    return null; // no git, or no repository: an archive of it
  }
}

function fromDisk(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = join(folder, entry.name);
    if (/^(node_modules|dist|data|coverage|test-artefacts|\.git)$/.test(file)) return [];
    return entry.isDirectory() ? fromDisk(file) : [file];
  });
}

function isFile(file: string): boolean {
  return statSync(join(ROOT, file), { throwIfNoEntry: false })?.isFile() ?? false;
}
