import { Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { AccountsModule } from '../accounts/accounts.module';
import { GatesModule } from '../gates/gates.module';
import { ProxyModule } from '../proxy/proxy.module';
import { TenantsModule } from '../tenants/tenants.module';
import { AccountActions } from './account-actions';
import { AccountController } from './account.controller';
import { ApiDocsController } from './api-docs.controller';
import { Assets } from './assets';
import { DataController } from './data.controller';
import { DashboardController } from './dashboard.controller';
import { DashboardService } from './dashboard.service';
import { Flash } from './flash';
import { HomeController } from './home.controller';
import { PageRenderer } from './page-renderer';
import { RegionsController } from './regions.controller';
import { SessionController } from './session.controller';
import { SignUpController } from './sign-up.controller';
import { TodosController } from './todos.controller';
import { useViews } from './view-engine';

/** The pages for people; also the view `error`, which the front door's filter renders. */
@Module({
  imports: [AccountsModule, TenantsModule, GatesModule, ProxyModule],
  controllers: [
    HomeController,
    SignUpController,
    SessionController,
    DashboardController,
    TodosController,
    RegionsController,
    AccountController,
    DataController,
    ApiDocsController,
  ],
  providers: [PageRenderer, DashboardService, AccountActions, Flash],
})
export class PagesModule implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    const adapter = this.host.httpAdapter;
    if (!(adapter instanceof ExpressAdapter)) throw new Error('The pages need Express.');
    const assets = new Assets();
    useViews(adapter, assets);
    assets.serve(adapter);
  }
}
