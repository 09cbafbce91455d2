import { EventLog, KEPT_EVENTS } from './event-log';

describe('the log of events', () => {
  const append = (log: EventLog, todoId: string) => log.append({ type: 'updated', todoId });
  const idsSince = (log: EventLog, id: string) =>
    log.since(id)?.map(({ event }) => (event.type === 'reset' ? 'reset' : event.todoId)) ?? null;

  it('gives what came after an id, from the beginning on', () => {
    const log = new EventLog();
    const beginning = log.lastId;
    expect(idsSince(log, beginning)).toEqual([]);
    append(log, 'a');
    const afterA = log.lastId;
    append(log, 'b');
    append(log, 'c');
    expect(idsSince(log, beginning)).toEqual(['a', 'b', 'c']);
    expect(idsSince(log, afterA)).toEqual(['b', 'c']);
    expect(idsSince(log, log.lastId)).toEqual([]);
  });

  it('cannot say what came after an event it has dropped, one of another process, or none', () => {
    const log = new EventLog();
    const beginning = log.lastId;
    append(log, 'first');
    const afterFirst = log.lastId;
    for (let i = 0; i < KEPT_EVENTS; i += 1) append(log, `${i}`);
    expect(idsSince(log, beginning)).toBeNull();
    expect(idsSince(log, afterFirst)).toHaveLength(KEPT_EVENTS);
    const [process = ''] = log.lastId.split('-');
    for (const id of [new EventLog().lastId, `${process}-99999`, process, '', 'x', `${process}-1x`]) {
      expect(idsSince(log, id)).toBeNull();
    }
  });

  it('tells those who listen, until they end it', () => {
    const log = new EventLog();
    const heard: string[] = [];
    const end = log.listen(({ id }) => heard.push(id));
    append(log, 'a');
    const first = log.lastId;
    end();
    append(log, 'b');
    expect(heard).toEqual([first]);
  });
});
