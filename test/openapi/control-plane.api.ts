import { ApiExtraModels } from '@nestjs/swagger';
import { ApiTokenDto } from '../../apps/control-plane/src/accounts/api-token.dto';
import { ChangePasswordDto } from '../../apps/control-plane/src/accounts/change-password.dto';
import { PasswordDto, LoginDto, SignUpDto } from '../../apps/control-plane/src/accounts/credentials.dto';
import type { ApiTokenResponse, SessionResponse } from '../../apps/control-plane/src/api/access-response';
import { AccessController } from '../../apps/control-plane/src/api/access.controller';
import { AccountController } from '../../apps/control-plane/src/api/account.controller';
import type { DirectAccessResponse } from '../../apps/control-plane/src/api/direct-access';
import { RegionsController } from '../../apps/control-plane/src/api/regions.controller';
import { TenantController } from '../../apps/control-plane/src/api/tenant.controller';
import type { SignedInResponse, UserResponse } from '../../apps/control-plane/src/api/user-response';
import { ERROR_STATUSES } from '../../apps/control-plane/src/error-codes';
import { SCOPES } from '../../apps/control-plane/src/front-door/token-scopes';
import { PROVISION_STEPS } from '../../apps/control-plane/src/tenants/event.entity';
import type {
  ProgressResponse,
  RegionResponse,
  StepResponse,
  TenantResponse,
} from '../../apps/control-plane/src/tenants/tenant-response';
import { describeFields, describer, json, listOf, objectOf, orNull, ref, text, time } from './describe';

const status = text({ enum: ['provisioning', 'active', 'failed', 'deleting'] });
const step = text({ enum: [...PROVISION_STEPS, 'destroyed'] });
const apiToken = {
  id: text(),
  name: text(),
  scope: listOf(text({ enum: [...SCOPES] })),
  createdAt: time,
  lastUsedAt: orNull(time),
  expiresAt: time,
};
const user = { id: text({ format: 'uuid' }), email: text({ format: 'email' }), createdAt: time };

export const CONTROL_PLANE_SCHEMAS = {
  User: objectOf<UserResponse>(user),
  Tenant: objectOf<TenantResponse>({
    id: text(),
    appName: text(),
    status,
    regions: listOf(ref('TenantRegion')),
    progress: orNull(ref('TenantProgress')),
  }),
  TenantRegion: objectOf<RegionResponse>({
    region: text({ example: 'ams' }),
    role: text({ enum: ['primary', 'replica'] }),
    status,
    machineId: orNull(text()),
    machineState: text({ description: "In Fly's words, as seen last, or `unknown`." }),
    seenAt: orNull(time),
  }),
  TenantProgress: objectOf<ProgressResponse>({
    kind: text({ enum: ['provision', 'delete'] }),
    step,
    steps: listOf(
      objectOf<StepResponse>({
        name: step,
        status: text({ enum: ['waiting', 'running', 'done', 'failed'] }),
        at: orNull(time),
      }),
    ),
    error: orNull(objectOf<NonNullable<ProgressResponse['error']>>({ code: text(), detail: text(), at: time })),
  }),
  SignedIn: objectOf<SignedInResponse>({ user: ref('User'), tenant: ref('Tenant') }),
  Session: objectOf<SessionResponse>({
    id: text(),
    device: text({ example: 'Firefox on Linux' }),
    address: orNull(text()),
    createdAt: time,
    lastUsedAt: time,
    expiresAt: time,
    isCurrent: { type: 'boolean' },
  }),
  ApiToken: objectOf<ApiTokenResponse>(apiToken),
  NewApiToken: objectOf<ApiTokenResponse & { token: string }>({
    ...apiToken,
    token: text({ description: 'It is shown here, and never again.' }),
  }),
  DirectAccess: objectOf<DirectAccessResponse>({ token: text(), url: orNull(text()), expiresAt: time }),
};

const password = { type: 'string', format: 'password', minLength: 1 } as const;
describeFields(SignUpDto, {
  email: { type: 'string', format: 'email' },
  password,
  region: { type: 'string', example: 'ams', description: 'One of `GET /api/v1/regions`.' },
});
describeFields(LoginDto, { email: { type: 'string', minLength: 1 }, password });
describeFields(PasswordDto, { password });
describeFields(ChangePasswordDto, { current: password, new: password });
describeFields(ApiTokenDto, {
  name: { type: 'string', minLength: 1, maxLength: 100, example: 'Backup' },
  expiresInDays: { type: 'integer', minimum: 1, maximum: 365, example: 30 },
  scope: { type: 'array', items: { type: 'string', enum: [...SCOPES] }, minItems: 1, maxItems: SCOPES.length },
});

const describeController = describer(ERROR_STATUSES, [
  'bad_path',
  'bad_headers',
  'bad_request',
  'unauthenticated',
  'invalid_token',
  'insufficient_scope',
  'cross_site',
  'shutting_down',
]);
const BODY = ['validation_failed', 'json_malformed', 'body_too_large', 'unsupported_media_type'] as const;
const THROTTLED = ['too_many_attempts', 'server_busy'] as const;
const OPEN = ['bad_path', 'bad_headers', 'bad_request', 'cross_site', 'shutting_down'] as const;
const none = { description: 'Done; there is no body.' };
const signedIn = {
  description: 'Who is signed in, and their tenant; the session is in the cookie.',
  content: json(ref('SignedIn')),
  headers: ['Set-Cookie'],
} as const;
const tenant = { description: 'The tenant as it is now.', content: json(ref('Tenant')) };
const itemsOf = (name: string) => json(objectOf<{ items: unknown }>({ items: listOf(ref(name)) }));

ApiExtraModels(LoginDto)(AccountController); // the login guard reads it, no method takes it
describeController(AccountController, {
  signUp: {
    summary: 'Sign up',
    description: 'The tenant is made meanwhile: see `GET /api/v1/tenant`.',
    isOpen: true,
    answers: { 201: signedIn },
    errors: [...BODY, ...THROTTLED, ...OPEN, 'email_taken'],
  },
  logIn: {
    summary: 'Log in',
    isOpen: true,
    body: json(ref('LoginDto')),
    answers: { 200: signedIn },
    errors: [...BODY, ...THROTTLED, ...OPEN, 'wrong_credentials', 'account_deleting'],
  },
  logOut: {
    summary: 'Log out',
    isOpen: true,
    answers: { 204: { ...none, headers: ['Set-Cookie'] } },
    errors: [...OPEN, 'unsupported_media_type'],
  },
  me: {
    summary: 'Who is signed in',
    answers: {
      200: {
        description: 'The account, and the region of its tenant.',
        content: json(objectOf<UserResponse & { region: string | null }>({ ...user, region: orNull(text()) })),
      },
    },
    errors: [],
  },
  deleteAccount: {
    summary: 'Delete the account and everything in it',
    answers: {
      202: {
        description: 'It is being deleted; `page` says without a session when it is done.',
        content: json(
          objectOf<{ status: 'deleting'; page: string }>({ status: text({ enum: ['deleting'] }), page: text() }),
        ),
        headers: ['Set-Cookie'],
      },
    },
    errors: [...BODY, ...THROTTLED, 'wrong_password'],
  },
});
describeController(AccessController, {
  changePassword: {
    summary: 'Change the password',
    description: 'Ends the other sessions.',
    answers: { 204: none },
    errors: [...BODY, ...THROTTLED, 'wrong_password'],
  },
  listSessions: {
    summary: 'List sessions',
    answers: { 200: { description: 'Browsers and clients that are signed in.', content: itemsOf('Session') } },
    errors: [],
  },
  revokeSession: { summary: 'End a session', answers: { 204: none }, errors: ['not_found', 'unsupported_media_type'] },
  listTokens: {
    summary: 'List API tokens',
    answers: { 200: { description: 'API tokens, without the tokens themselves.', content: itemsOf('ApiToken') } },
    errors: [],
  },
  createToken: {
    summary: 'Create an API token',
    answers: { 201: { description: 'The one answer that has the token.', content: json(ref('NewApiToken')) } },
    errors: [...BODY, 'too_many_tokens'],
  },
  revokeToken: {
    summary: 'Revoke an API token',
    answers: { 204: none },
    errors: ['not_found', 'unsupported_media_type'],
  },
});
describeController(RegionsController, {
  list: {
    summary: 'Regions to choose from',
    isOpen: true,
    answers: {
      200: {
        description: 'The regions of this installation.',
        content: json(
          objectOf<{ items: unknown }>({
            items: listOf(objectOf<{ code: string; name: string }>({ code: text(), name: text() })),
          }),
        ),
      },
    },
    errors: [...OPEN],
  },
});
describeController(TenantController, {
  get: { summary: 'The own tenant', answers: { 200: tenant }, errors: ['not_found'] },
  events: {
    summary: 'Steps and states as they happen',
    answers: { 200: { description: 'Server-sent events.', content: { 'text/event-stream': text() } } },
    errors: ['not_found'],
  },
  retry: {
    summary: 'Try again what failed',
    answers: { 202: tenant },
    errors: ['retry_not_possible', 'unsupported_media_type'],
  },
  token: {
    summary: 'A token for the own machine, to call it directly',
    answers: { 200: { description: 'Token and address.', content: json(ref('DirectAccess')) } },
    errors: [
      'no_direct_address',
      'tenant_not_ready',
      'tenant_busy',
      'tenant_failed',
      'tenant_deleting',
      'tenant_unreachable',
      'tenant_timeout',
      'platform_unavailable',
      'unsupported_media_type',
    ],
  },
});
