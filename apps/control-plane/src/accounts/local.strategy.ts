import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { Request } from 'express';
import { Strategy } from 'passport-local';
import { contextOf } from '../front-door/request-context';
import { AccountsService } from './accounts.service';
import type { User } from './user.entity';

/** passport-local over `AccountsService.checkLogin`; its errors come through as they are. */
@Injectable()
export class LocalStrategy extends PassportStrategy(Strategy, 'local') {
  constructor(private readonly accounts: AccountsService) {
    super({ usernameField: 'email', passwordField: 'password', passReqToCallback: true, session: false });
  }

  validate(request: Request, email: string, password: string): Promise<User> {
    return this.accounts.checkLogin({ email, password }, contextOf(request).clientAddress);
  }
}
