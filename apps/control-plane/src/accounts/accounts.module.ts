import { Module } from '@nestjs/common';
import { PassportModule } from '@nestjs/passport';
import { TenantsModule } from '../tenants/tenants.module';
import { AccountsService } from './accounts.service';
import { ApiTokensService } from './api-tokens.service';
import { DeletionProofs } from './deletion-proofs';
import { LocalStrategy } from './local.strategy';
import { LoginThrottle } from './login-throttle';
import { PasswordHasher } from './password-hasher';
import { SessionsService } from './sessions.service';

@Module({
  imports: [TenantsModule, PassportModule],
  providers: [
    AccountsService,
    SessionsService,
    ApiTokensService,
    DeletionProofs,
    PasswordHasher,
    LoginThrottle,
    LocalStrategy,
  ],
  exports: [AccountsService, SessionsService, ApiTokensService, DeletionProofs],
})
export class AccountsModule {}
