import type { ExpressAdapter } from '@nestjs/platform-express';
import type { Application } from 'express';
import { create } from 'hbs';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Assets } from './assets';
import { pagesDirectory } from './pages-directory';

/** Gives Express the Handlebars views with their layout and partials, which are read once and kept. */
export function useViews(adapter: ExpressAdapter, assets: Assets): void {
  const views = pagesDirectory('views');
  const engine = create();
  const { handlebars } = engine;

  // Handlebars would indent what stands in a partial as the partial is, and so change a text of several lines in a textarea.
  const compile = handlebars.compile.bind(handlebars);
  handlebars.compile = (source, options) => compile(source, { ...options, preventIndent: true });

  for (const file of readdirSync(join(views, 'partials'))) {
    handlebars.registerPartial(file.replace(/\.hbs$/, ''), readFileSync(join(views, 'partials', file), 'utf8'));
  }
  handlebars.registerHelper('asset', (name: string) => assets.href(name));

  const app = adapter.getInstance<Application>();
  app.engine('hbs', engine.__express);
  app.enable('view cache');
  adapter.setViewEngine('hbs');
  adapter.setBaseViewsDir(views);
}
