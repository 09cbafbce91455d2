import { ConfigError } from '@app/common/config/load-config';
import { ControlPlaneConfig } from '../config';
import { platformOf, requirePlatform } from './choose-platform';

const config = (set: Partial<ControlPlaneConfig>) => Object.assign(new ControlPlaneConfig(), set);
const onFly = { flyAppName: 'todo', flyRegion: 'fra' };
const fly = { flyApiToken: 'FlyV1 x', flyOrg: 'acme', tenantImage: 'registry.fly.io/todo-tenant@sha256:0' };

function problemsOf(set: Partial<ControlPlaneConfig>): readonly string[] {
  try {
    requirePlatform(config(set));
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('platformOf', () => {
  const miniflyApiUrl = 'http://127.0.0.1:4280';
  it.each<[string, Partial<ControlPlaneConfig>]>([
    ['embedded', {}],
    ['minifly', { miniflyApiUrl }],
    ['minifly', { platformName: 'minifly' }],
    ['embedded', { miniflyApiUrl, platformName: 'embedded' }],
    ['fly', { miniflyApiUrl, flyApiToken: 'x' }],
    ['minifly', { miniflyApiUrl, flyApiToken: 'x', platformName: 'minifly' }],
  ])('is %s with %j', (name, set) => {
    expect(platformOf(config(set))).toBe(name);
  });
});

describe('requirePlatform', () => {
  it.each<[string, Partial<ControlPlaneConfig>]>([
    ['nothing set', {}],
    ['Minifly', { miniflyApiUrl: 'http://127.0.0.1:4280' }],
    ['an embedded platform that runs already', { miniflyApiUrl: 'http://127.0.0.1:4280', platformName: 'embedded' }],
    ['a token of Fly with what goes with it', fly],
    ['the same on Fly', { ...fly, ...onFly }],
    ['Fly’s API somewhere else', { ...fly, miniflyApiUrl: 'http://_api.internal:4280' }],
    ['the embedded platform on Fly where that is said', { ...onFly, platformName: 'embedded' }],
    ['the embedded platform in spite of a token that lies about', { flyApiToken: 'x', platformName: 'embedded' }],
    ['what only looks like Fly', { flyAppName: 'todo', flyRegion: 'local' }],
  ])('takes %s', (_, set) => {
    expect(problemsOf(set)).toEqual([]);
  });

  it('does not let tenants run unseen inside a machine of Fly', () => {
    const [problem, ...more] = problemsOf(onFly);
    expect(problem).toMatch(
      /^PLATFORM is not set, and this runs on Fly: .*FLY_API_TOKEN and FLY_ORG.*PLATFORM=embedded/,
    );
    expect(more).toEqual([]);
    expect(problemsOf({ flyAppName: 'todo' })).toHaveLength(1);
    expect(problemsOf({ ...onFly, miniflyApiUrl: 'http://host.docker.internal:4280' })).toHaveLength(1);
  });

  it('keeps LiteFS of the embedded platform to that', () => {
    const miniflyApiUrl = 'http://127.0.0.1:4280';
    expect(problemsOf({ embeddedLitefs: true })).toEqual([]);
    expect(problemsOf({ embeddedLitefs: true, miniflyApiUrl })).toEqual([
      'EMBEDDED_LITEFS is for the embedded platform alone; the platform is minifly.',
    ]);
  });

  it('keeps LiteFS of Minifly to that', () => {
    const miniflyApiUrl = 'http://127.0.0.1:4280';
    expect(problemsOf({ miniflyLitefs: true, miniflyApiUrl })).toEqual([]);
    expect(problemsOf({ miniflyLitefs: true })).toEqual([
      'MINIFLY_LITEFS is for Minifly alone; the platform is embedded.',
    ]);
  });

  it('names all that Fly lacks at once, and not the token', () => {
    expect(problemsOf({ platformName: 'fly', tenantMemoryMb: 300 })).toEqual([
      expect.stringMatching(/^FLY_API_TOKEN must be set/),
      expect.stringMatching(/^FLY_ORG must be the slug/),
      expect.stringMatching(/^TENANT_IMAGE must name an image in a registry.*"tenant-todo"/),
      expect.stringMatching(/^TENANT_MEMORY_MB must be a multiple of 256.*300/),
    ]);
    expect(problemsOf({ ...fly, flyOrg: '' }).join()).not.toContain('FlyV1');
    expect(problemsOf({ ...fly, tenantMemoryMb: 32_768 })).toHaveLength(1);
  });
});
