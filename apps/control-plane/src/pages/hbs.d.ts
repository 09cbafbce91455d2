/** What we use of hbs, which ships no types. */
declare module 'hbs' {
  interface Hbs {
    /** Express's template engine. */
    __express: (file: string, options: object, done: (error: Error | null, html?: string) => void) => void;
    handlebars: {
      compile(source: string, options?: { preventIndent?: boolean; strict?: boolean }): (context: unknown) => string;
      registerPartial(name: string, source: string): void;
      registerHelper(name: string, helper: (...args: never[]) => unknown): void;
    };
  }
  export function create(): Hbs;
}
