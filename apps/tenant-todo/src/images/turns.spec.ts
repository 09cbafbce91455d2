import { Turns } from './turns';

describe('turns', () => {
  it('lets so many in, the others in their order, and a turn back only once', async () => {
    const turns = new Turns(2);
    const entered: number[] = [];
    const enter = async (n: number) => {
      const done = await turns.take();
      entered.push(n);
      return done;
    };
    const [first, second] = await Promise.all([enter(1), enter(2)]);
    const third = enter(3);
    const fourth = enter(4);
    await Promise.resolve();
    expect(entered).toEqual([1, 2]);
    first();
    first();
    (await third)();
    expect(entered.slice(0, 3)).toEqual([1, 2, 3]);
    (await fourth)();
    second();
    expect(entered).toEqual([1, 2, 3, 4]);
  });
});
