/** As much of an OpenAPI document as the page shows. */
export interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
}
interface Operation {
  summary: string;
  description?: string;
  security?: unknown[];
  parameters?: { name: string; in: string; required?: boolean; description?: string }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>;
}
interface Schema {
  $ref?: string;
}

const AREA = /^\/(?:api\/v1\/)?([a-z]+)/;

/** The operations by area, in the order of their paths. */
export function apiDocsView(document: OpenApi) {
  const areas = new Map<string, ReturnType<typeof operationView>[]>();
  for (const [path, item] of Object.entries(document.paths)) {
    const area = AREA.exec(path)?.[1] ?? 'other';
    const operations = areas.get(area) ?? [];
    areas.set(area, operations);
    for (const [method, operation] of Object.entries(item)) operations.push(operationView(method, path, operation));
  }
  return { title: 'API', areas: [...areas].map(([name, operations]) => ({ name, operations })) };
}

function operationView(method: string, path: string, operation: Operation) {
  const { summary, description, parameters = [], requestBody, responses, security } = operation;
  return {
    method: method.toUpperCase(),
    path,
    summary,
    description,
    isOpen: security?.length === 0,
    parameters: parameters.map((one) => ({
      name: one.name,
      place: one.in,
      isRequired: one.required,
      description: one.description,
    })),
    bodies: contentView(requestBody?.content),
    answers: Object.entries(responses).map(([status, answer]) => ({
      status,
      description: answer.description,
      bodies: Number(status) < 400 ? contentView(answer.content) : [],
    })),
  };
}

function contentView(content: Record<string, { schema: Schema }> = {}) {
  return Object.entries(content).map(([type, { schema }]) => ({ type, name: schema.$ref?.split('/').at(-1) }));
}
