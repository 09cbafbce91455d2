import type { User } from '../accounts/user.entity';
import type { TenantResponse } from '../tenants/tenant-response';

export interface UserResponse {
  id: string;
  email: string;
  /** ISO 8601. */
  createdAt: string;
}

/** Answer of sign-up and login. */
export interface SignedInResponse {
  user: UserResponse;
  tenant: TenantResponse;
}

export function toUserResponse(user: User): UserResponse {
  return { id: user.id, email: user.email, createdAt: new Date(user.createdAt).toISOString() };
}
