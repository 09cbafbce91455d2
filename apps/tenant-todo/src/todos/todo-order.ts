import { Injectable } from '@nestjs/common';
import type { Statement } from 'better-sqlite3';
import { TenantDatabase } from '../database/tenant-database';

/** First out of everybody's way: the index allows no two alike, not even in between. */
const RENUMBER = `
  UPDATE todos SET position = ranked.place - 1e15
  FROM (SELECT seq AS ranked_seq, row_number() OVER (ORDER BY position) AS place FROM todos) AS ranked
  WHERE seq = ranked_seq;
  UPDATE todos SET position = position + 1e15;
  UPDATE meta SET value = value + 1 WHERE key = 'order_generation';
`;

/**
 * The places of the list: fractions, the highest on top, no two alike. A move writes one row, a position halfway between its new
 * neighbours; where two are so close that nothing lies between them (after some fifty moves to the same place), all get whole
 * numbers anew. The caller holds the transaction.
 */
@Injectable()
export class TodoOrder {
  private readonly selectTop: Statement<[], number>;
  private readonly selectBottom: Statement<[], number>;
  private readonly selectPosition: Statement<[string], number>;
  private readonly selectAbove: Statement<[number], number>;
  private readonly setPosition: Statement<[number, string]>;
  private readonly selectGeneration: Statement<[], number>;

  constructor(private readonly database: TenantDatabase) {
    const { sqlite } = database;
    this.selectTop = sqlite.prepare<[], number>('SELECT coalesce(max(position), 0) FROM todos').pluck();
    this.selectBottom = sqlite.prepare<[], number>('SELECT coalesce(min(position), 0) FROM todos').pluck();
    this.selectPosition = sqlite.prepare<[string], number>('SELECT position FROM todos WHERE id = ?').pluck();
    this.selectAbove = sqlite
      .prepare<[number], number>('SELECT position FROM todos WHERE position > ? ORDER BY position LIMIT 1')
      .pluck();
    this.setPosition = sqlite.prepare('UPDATE todos SET position = ? WHERE id = ?');
    this.selectGeneration = sqlite
      .prepare<[], number>("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'order_generation'")
      .pluck();
  }

  /** The place above all others. */
  nextOnTop(): number {
    return Math.floor(this.selectTop.get() ?? 0) + 1;
  }

  /** Puts one right above another, or with null at the end. Both are there. Gives false where it is there already. */
  move(id: string, before: string | null): boolean {
    if (id === before || this.isThere(id, before)) return false;
    this.setPosition.run(before === null ? this.placeAtEnd() : this.placeAbove(before), id);
    return true;
  }

  /** Of a to-do that is there. */
  positionOf(id: string): number | undefined {
    return this.selectPosition.get(id);
  }

  /** Another number after all positions were given anew: those that somebody remembers mean nothing any more. */
  generation(): number {
    return this.selectGeneration.get() ?? 0;
  }

  private placeAtEnd(): number {
    return Math.ceil(this.selectBottom.get() ?? 0) - 1;
  }

  private isThere(id: string, before: string | null): boolean {
    const below = before === null ? undefined : this.positionOf(before);
    const there = below === undefined ? this.selectBottom.get() : this.selectAbove.get(below);
    return there === this.positionOf(id);
  }

  private placeAbove(before: string): number {
    const low = this.positionOf(before) ?? 0;
    const high = this.selectAbove.get(low);
    if (high === undefined) return Math.floor(low) + 1;
    const middle = low + (high - low) / 2;
    if (middle > low && middle < high) return middle;
    this.database.sqlite.exec(RENUMBER);
    return this.placeAbove(before);
  }
}
