import { Module, type OnModuleInit } from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { AccountsModule } from '../accounts/accounts.module';
import { ProxyModule } from '../proxy/proxy.module';
import { FrontDoor } from './front-door';
import { FrontDoorAdapter } from './front-door-adapter';
import { ProblemFilter } from './problem.filter';

/** Puts the front door before Nest: its adapter asks `FrontDoor` first. */
@Module({
  imports: [AccountsModule, ProxyModule],
  providers: [FrontDoor, { provide: APP_FILTER, useClass: ProblemFilter }],
})
export class FrontDoorModule implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly frontDoor: FrontDoor,
  ) {}

  onModuleInit(): void {
    const adapter = this.host.httpAdapter;
    if (!(adapter instanceof FrontDoorAdapter)) throw new Error('The application needs a FrontDoorAdapter.');
    adapter.open(this.frontDoor);
  }
}
