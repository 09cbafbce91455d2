import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ControlPlane, endAll } from '../support/control-plane';

describe('the API documents of a running service', () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await ControlPlane.start();
  });
  afterAll(endAll);

  it.each([
    ['openapi.json', 'control-plane.json'],
    ['tenant-todo.json', 'tenant-todo.json'],
  ])('serves %s to everybody as docs/openapi/%s is', async (path, file) => {
    const response = await fetch(`${plane.url}/api/docs/${path}`);

    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await response.text()).toBe(readFileSync(join(__dirname, '../../docs/openapi', file), 'utf8'));
  });

  it('shows each operation on a page without script or style of its own', async () => {
    const response = await fetch(`${plane.url}/api/docs`);
    const page = await response.text();
    const { paths } = JSON.parse(readFileSync(join(__dirname, '../../docs/openapi/control-plane.json'), 'utf8')) as {
      paths: Record<string, Record<string, unknown>>;
    };

    expect(response.status).toBe(200);
    expect(response.headers.get('content-security-policy')).not.toContain('unsafe-inline');
    for (const [path, item] of Object.entries(paths))
      for (const method of Object.keys(item)) expect(page).toContain(`<code>${method.toUpperCase()} ${path}</code>`);
    expect(page).not.toMatch(/<script|<style| style=/);
  });
});
