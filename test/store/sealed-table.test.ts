import assert from 'node:assert/strict';
import { createDecipheriv, createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../../src/safety/bytes.ts';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { StoreError } from '../../src/store/errors.ts';
import { MAX_PAGE_ROWS, MAX_ROW_NAME_BYTES, MAX_VALUE_BYTES } from '../../src/store/limits.ts';
import type { SealedTable, StoredRow } from '../../src/store/sealed-table.ts';
import { files, KEY, putAll, shown } from './files.ts';

const at = files();
const isDamaged = (error: unknown): boolean => error instanceof StoreError && error.code === 'STORE_DAMAGED';
const text = (bytes: Uint8Array | null | undefined): string | null =>
  bytes ? Buffer.from(bytes).toString() : null;
const put = (
  table: SealedTable,
  name: string,
  value: string,
  scope?: string,
  alias?: string | null,
): number =>
  table.put({
    name: utf8(name),
    value: utf8(value),
    scope: scope === undefined ? undefined : utf8(scope),
    alias: typeof alias === 'string' ? utf8(alias) : alias,
  });

describe('SealedTable', () => {
  it('finds a row by name, alias and place, and gives back what was put', () => {
    const table = at.open().table('message');
    const seq = put(table, 'n', 'v', 's', 'a');
    const row: StoredRow = { seq, name: utf8('n'), scope: utf8('s'), alias: utf8('a'), value: utf8('v') };
    for (const found of [table.get(utf8('n')), table.getByAlias(utf8('a')), table.getBySeq(seq)]) {
      assert.deepEqual(found, row);
    }
    assert.equal(table.has(utf8('n')), true);
    for (const none of [table.get(utf8('a')), table.getByAlias(utf8('n')), table.getBySeq(seq + 1)]) {
      assert.equal(none, null);
    }
    const [bare] = [table.getBySeq(put(table, '', ''))];
    assert.deepEqual(bare, { seq: 2, name: utf8(''), scope: utf8(''), alias: null, value: utf8('') });
    const again = at.crashed({ provider: nobleProvider }).table('message');
    assert.deepEqual(again.getByAlias(utf8('a')), row);
  });

  it('replaces a row in its place; scope and alias stay where they are left out', () => {
    const table = at.open().table('message');
    put(table, 'n', '1', 's', 'a');
    put(table, 'm', '1');
    assert.equal(put(table, 'n', '2'), 1);
    assert.equal(text(table.getByAlias(utf8('a'))?.value), '2');
    assert.equal(text(table.get(utf8('n'))?.scope), 's');
    assert.equal(put(table, 'n', '3', 't', 'b'), 1);
    assert.equal(table.getByAlias(utf8('a')), null);
    assert.equal(text(table.getByAlias(utf8('b'))?.value), '3');
    assert.deepEqual([table.count(utf8('s')), table.count(utf8('t'))], [0, 1]);
    put(table, 'n', '4', '', null);
    assert.equal(table.getByAlias(utf8('b')), null);
    assert.deepEqual(text(table.get(utf8('n'))?.value), '4');
  });

  it('refuses an alias of another row, and what is too long, and changes nothing', () => {
    const table = at.open().table('message');
    put(table, 'n', 'v', 's', 'a');
    assert.throws(() => put(table, 'm', 'v', 's', 'a'), RangeError);
    const long = new Uint8Array(MAX_ROW_NAME_BYTES + 1);
    const value = utf8('');
    for (const row of [
      { name: long, value },
      { name: utf8('x'), scope: long, value },
      { name: utf8('x'), alias: long, value },
      { name: utf8('x'), value: new Uint8Array(MAX_VALUE_BYTES + 1) },
    ]) {
      assert.throws(() => table.put(row), { code: 'ROW_TOO_LARGE' });
    }
    assert.deepEqual(shown(table.page({ limit: 10 })), ['n=v']);
    table.put({
      name: long.subarray(1),
      scope: long.subarray(1),
      alias: long.subarray(1),
      value: new Uint8Array(MAX_VALUE_BYTES),
    });
    assert.equal(table.get(long.subarray(1))?.value.length, MAX_VALUE_BYTES);
  });

  it('never gives a place twice, also after the last row was removed and after a reopen', () => {
    const database = at.open();
    const table = database.table('message');
    putAll(database, 'message', 'a b c');
    assert.equal(table.delete(utf8('c')), true);
    assert.equal(table.delete(utf8('c')), false);
    assert.equal(put(table, 'd', ''), 4);
    table.delete(utf8('d'));
    const again = at.crashed().table('message');
    assert.equal(again.lastSeq(), 4);
    assert.equal(put(again, 'e', ''), 5);
    const undo = (): void => {
      put(table, 'f', '');
      throw new Error('undo');
    };
    assert.throws(() => database.transaction(undo), /undo/);
    assert.equal(table.lastSeq(), 4);
    assert.equal(put(table, 'g', ''), 5);
  });

  it('counts and removes by scope, in its own table only', () => {
    const database = at.open();
    for (const name of ['message', 'session']) {
      for (const row of ['a', 'b', 'c', 'd']) put(database.table(name), row, '', row < 'c' ? 'x' : 'y');
    }
    const table = database.table('message');
    assert.deepEqual([table.count(), table.count(utf8('x')), table.count(utf8('z'))], [4, 2, 0]);
    assert.equal(table.deleteScope(utf8('x')), 2);
    assert.equal(table.deleteScope(utf8('x')), 0);
    assert.deepEqual(shown(table.page({ limit: 10 })), ['d=', 'c=']);
    assert.equal(database.table('session').count(), 4);
  });

  it('gives the pages that a plain list would give', () => {
    const table = at.open({ path: ':memory:' }).table('message');
    for (let i = 1; i <= 30; i++) put(table, `n${i}`, '', `s${i % 3}`);
    const place = fc.option(fc.integer({ min: 0, max: 35 }), { nil: undefined });
    fc.assert(
      fc.property(
        place,
        place,
        fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
        fc.integer({ min: 1, max: 40 }),
        (before, after, scope, limit) => {
          const places = Array.from({ length: 30 }, (_, i) => i + 1).filter(
            (seq) => seq < (before ?? 99) && seq > (after ?? 0) && (scope === undefined || seq % 3 === scope),
          );
          if (after === undefined) places.reverse();
          const found = table.page({
            before,
            after,
            limit,
            scope: scope === undefined ? scope : utf8(`s${scope}`),
          });
          assert.deepEqual(
            found.map(({ seq }) => seq),
            places.slice(0, limit),
          );
        },
      ),
      { numRuns: 200 },
    );
    for (const limit of [0, 1.5, MAX_PAGE_ROWS + 1]) assert.throws(() => table.page({ limit }), RangeError);
  });

  it('tells a row that was changed, moved or given another scope or alias', () => {
    const changes = [
      `UPDATE t_message SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'00' AS BLOB) WHERE seq = 1`,
      `UPDATE t_message SET sealed = x'00' WHERE seq = 1`,
      `UPDATE t_message SET sealed = (SELECT sealed FROM t_message WHERE seq = 2) WHERE seq = 1`,
      `UPDATE t_message SET seq = 9 WHERE seq = 1`,
      `DELETE FROM t_message; INSERT INTO t_message SELECT * FROM t_session`,
      `UPDATE t_message SET scope = (SELECT scope FROM t_message WHERE seq = 3) WHERE seq = 1`,
      `UPDATE t_message SET alias = NULL WHERE seq = 2;
       UPDATE t_message SET alias = (SELECT old FROM (SELECT alias AS old FROM t_keep)) WHERE seq = 1`,
    ];
    for (const [i, change] of changes.entries()) {
      const path = join(at.dir, `${i}.db`);
      const database = at.open({ path });
      for (const name of ['message', 'session']) {
        for (const row of ['a', 'b', 'c'])
          put(database.table(name), row, 'v', row < 'c' ? 'x' : 'y', `alias ${row}`);
      }
      database.close();
      const sqlite = new DatabaseSync(path);
      sqlite.exec('CREATE TEMP TABLE t_keep AS SELECT alias FROM t_message WHERE seq = 2');
      sqlite.exec(change);
      sqlite.close();
      const table = at.open({ path }).table('message');
      const seen = [
        () => table.get(utf8('a')),
        () => table.page({ scope: utf8('y'), limit: 10 }),
        () => table.getByAlias(utf8('alias b')),
        () => table.page({ limit: 10 }),
      ].filter((look) => {
        try {
          look();
          return false;
        } catch (error) {
          assert.ok(isDamaged(error));
          return true;
        }
      });
      assert.ok(seen.length > 0, change);
    }
  });

  it('seals every row anew, so that two writes of one value do not show', () => {
    const sealedOf = (): string => {
      const database = at.open();
      put(database.table('message'), 'n', 'v');
      database.close();
      const sqlite = new DatabaseSync(join(at.dir, 'people.db'));
      const { sealed } = sqlite.prepare('SELECT sealed FROM t_message').get() as { sealed: Uint8Array };
      sqlite.close();
      return Buffer.from(sealed).toString('hex');
    };
    const first = sealedOf();
    assert.notEqual(sealedOf(), first);
  });

  it('lies on disk as docs/wire.md says, read here without a line of what wrote it', () => {
    const database = at.open();
    put(database.table('message'), 'n', 'value', 's', 'a');
    database.close();
    const sqlite = new DatabaseSync(join(at.dir, 'people.db'));
    const one = (sql: string) => sqlite.prepare(sql).get() as Record<string, Uint8Array>;
    const { salt = KEY, proof } = one('SELECT salt, proof FROM header');
    const row = one('SELECT tag, scope, alias, sealed FROM t_message WHERE seq = 1');
    sqlite.close();
    const mac = (key: Uint8Array, ...parts: (string | Uint8Array)[]): Uint8Array => {
      const hmac = createHmac('sha256', key);
      for (const part of parts) hmac.update(part);
      return new Uint8Array(hmac.digest());
    };
    assert.deepEqual(new Uint8Array(proof ?? KEY), mac(KEY, 'kith/1/store/check', salt));
    const tableKey = mac(KEY, 'kith/1/store/table', salt, 'message');
    const found = (label: string, text: string) => mac(mac(tableKey, label, salt), text).slice(0, 16);
    assert.deepEqual(new Uint8Array(row['tag'] ?? KEY), found('kith/1/store/name', 'n'));
    assert.deepEqual(new Uint8Array(row['scope'] ?? KEY), found('kith/1/store/scope', 's'));
    assert.deepEqual(new Uint8Array(row['alias'] ?? KEY), found('kith/1/store/alias', 'a'));
    const sealed = row['sealed'] ?? KEY;
    const key = mac(tableKey, 'kith/1/store/seal', salt);
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 });
    decipher.setAAD(Buffer.concat([row['tag'] ?? KEY, Buffer.from('000000000001', 'hex')]));
    decipher.setAuthTag(sealed.subarray(-16));
    const plain = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
    assert.equal(plain.toString('latin1'), '\x01\0\x01n\0\x01s\x01\0\x01avalue');
  });

  it('says so where the file itself is damaged', () => {
    const database = at.open();
    for (let i = 0; i < 500; i++) put(database.table('message'), `n${i}`, 'v'.repeat(200));
    database.close();
    const path = join(at.dir, 'people.db');
    const bytes = readFileSync(path);
    bytes.fill(0xff, 30 * 4096, 50 * 4096);
    writeFileSync(path, bytes);
    const table = at.open().table('message');
    assert.throws(() => {
      for (let i = 0; i < 500; i++) table.get(utf8(`n${i}`));
    }, isDamaged);
  });
});
