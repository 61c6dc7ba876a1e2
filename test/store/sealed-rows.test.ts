import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { utf8 } from '../../src/safety/bytes.ts';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { StoreError, type StoreErrorCode, writeFailed } from '../../src/store/errors.ts';
import { FILE_OVERHEAD, LOG_PAGES, MAX_ROW_NAME_BYTES, WALK_ROWS } from '../../src/store/limits.ts';
import { SealedRows, type SealedRowsInit } from '../../src/store/sealed-rows.ts';

const KEY = new Uint8Array(32).fill(5);

let dir: string;
let open: SealedRows[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kith-rows-'));
  open = [];
});

afterEach(() => {
  for (const rows of open) rows.close();
  rmSync(dir, { recursive: true });
});

function rowsOf(init: Partial<SealedRowsInit> = {}): SealedRows {
  const rows = SealedRows.open({
    path: join(dir, 'rows.db'),
    key: KEY,
    maxRows: 1_000,
    maxBytes: 1 << 20,
    ...init,
  });
  open.push(rows);
  return rows;
}

const textOf = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString();

const isStoreError = (code: StoreErrorCode) => (error: unknown) =>
  error instanceof StoreError && error.code === code;

/** All bytes that lie in the directory, the write-ahead log included. */
const onDisk = (): Buffer => Buffer.concat(readdirSync(dir).map((name) => readFileSync(join(dir, name))));

describe('SealedRows', () => {
  it('keeps, replaces, removes and lists rows, longest ago first, and does so after a reopen', () => {
    const rows = rowsOf();
    for (const name of ['a', 'b', 'c', 'd']) rows.put(utf8(name), utf8(`value of ${name}`));
    rows.put(utf8('a'), utf8('new'));
    rows.put(utf8('empty'), new Uint8Array(0));
    rows.delete(utf8('c'));
    rows.delete(utf8('never'));
    const check = (found: SealedRows): void => {
      const listed = [...found.entries()].map(([name, value]) => `${textOf(name)}=${textOf(value)}`);
      assert.deepEqual(listed, ['b=value of b', 'd=value of d', 'a=new', 'empty=']);
      assert.deepEqual(found.get(utf8('empty')), new Uint8Array(0));
      assert.equal(found.get(utf8('c')), null);
      assert.equal(found.size().rows, 4);
    };
    check(rows);
    const before = rows.size();
    rows.close();
    const again = rowsOf({ provider: nobleProvider, durable: true });
    check(again);
    assert.deepEqual(again.size(), before);
  });

  it('shows no name, value or key in its files, which only their owner can read', () => {
    const rows = rowsOf();
    const value = 'a value that nobody else may ever read';
    for (let i = 0; i < 300; i++) rows.put(utf8(`name-of-a-contact-${i}`), utf8(value));
    for (let i = 0; i < 100; i++) rows.delete(utf8(`name-of-a-contact-${i}`));
    const look = (): void => {
      const bytes = onDisk();
      assert.ok(bytes.length > 300 * value.length);
      for (const secret of ['name-of-a-contact', 'contact', value.slice(0, 12), 'nobody else']) {
        assert.equal(bytes.includes(secret), false, secret);
      }
      assert.equal(bytes.includes(KEY), false);
      for (const name of readdirSync(dir)) assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600, name);
    };
    assert.ok(readdirSync(dir).some((name) => name.endsWith('-wal')));
    look();
    rows.close();
    look();
  });

  it('holds its caps under a flood, on disk too, and says which rows went', () => {
    const maxBytes = 256 * 1024;
    const rows = rowsOf({ maxRows: 100, maxBytes });
    const gone: string[] = [];
    for (let i = 0; i < 1_000; i++) {
      gone.push(...rows.put(utf8(`n${i}`), new Uint8Array(i % 4_000)).map((name) => textOf(name) as string));
      const { rows: count, bytes } = rows.size();
      assert.ok(count <= 100 && bytes <= maxBytes);
    }
    assert.deepEqual(
      gone,
      Array.from({ length: gone.length }, (_, i) => `n${i}`),
    );
    assert.equal(gone.length + rows.size().rows, 1_000);
    assert.ok(onDisk().length < maxBytes * FILE_OVERHEAD + 2 * LOG_PAGES * 4096);
    // writing a row again makes it the youngest
    const [[oldest] = assert.fail()] = rows.entries();
    rows.put(oldest, utf8('again'));
    for (let i = 0; i < 50; i++) rows.put(utf8(`m${i}`), utf8(''));
    assert.equal(textOf(rows.get(oldest)), 'again');
  });

  it('refuses what can never fit, and changes nothing', () => {
    const rows = rowsOf({ maxBytes: 1_000 });
    rows.put(utf8('a'), utf8('kept'));
    assert.throws(() => rows.put(utf8('a'), new Uint8Array(1_000)), isStoreError('ROW_TOO_LARGE'));
    assert.throws(
      () => rows.put(new Uint8Array(MAX_ROW_NAME_BYTES + 1), utf8('')),
      isStoreError('ROW_TOO_LARGE'),
    );
    assert.equal(textOf(rows.get(utf8('a'))), 'kept');
  });

  it('drops a damaged row, one moved to another name, and one of another file', () => {
    const rows = rowsOf();
    for (const name of ['flip', 'short', 'here', 'there', 'fine']) rows.put(utf8(name), utf8(name));
    rows.close();
    const database = new DatabaseSync(join(dir, 'rows.db'));
    const sealed = database.prepare('SELECT seq, sealed FROM rows ORDER BY seq').all() as unknown as {
      seq: number;
      sealed: Uint8Array;
    }[];
    const [flip, short, here, there] = sealed as [(typeof sealed)[0], ...typeof sealed];
    flip.sealed[20] = (flip.sealed[20] as number) ^ 1;
    const set = database.prepare('UPDATE rows SET sealed = ? WHERE seq = ?');
    set.run(flip.sealed, flip.seq);
    set.run(new Uint8Array(5), short?.seq ?? 0);
    set.run(here?.sealed ?? null, there?.seq ?? 0);
    database.close();
    const again = rowsOf();
    for (const name of ['flip', 'short', 'there']) assert.equal(again.get(utf8(name)), null, name);
    assert.deepEqual(
      [...again.entries()].map(([name]) => textOf(name)),
      ['here', 'fine'],
    );
    assert.equal(again.size().rows, 2);
    again.close();
    assert.equal(rowsOf().size().rows, 2);
  });

  it('drops damaged rows on its walks and evictions as well', () => {
    rowsOf().put(utf8('old'), utf8('x'));
    open.pop()?.close();
    const database = new DatabaseSync(join(dir, 'rows.db'));
    database.exec("UPDATE rows SET sealed = x'00'");
    database.close();
    const rows = rowsOf({ maxRows: 1 });
    assert.deepEqual(rows.put(utf8('new'), utf8('y')), []);
    assert.equal(rows.size().rows, 1);
    assert.deepEqual([...rows.entries()].length, 1);
  });

  it('says so when the key is wrong, the file is something else, or another has it open', () => {
    const rows = rowsOf();
    rows.put(utf8('a'), utf8('b'));
    assert.throws(() => rowsOf(), isStoreError('STORE_IN_USE'));
    rows.close();
    assert.throws(() => rowsOf({ key: new Uint8Array(32) }), isStoreError('STORE_KEY_WRONG'));
    assert.equal(textOf(rowsOf().get(utf8('a'))), 'b');
    writeFileSync(
      join(dir, 'text'),
      'this is not a database, and it is long enough to be looked at'.repeat(100),
    );
    assert.throws(() => rowsOf({ path: join(dir, 'text') }), isStoreError('STORE_DAMAGED'));
    assert.throws(() => rowsOf({ path: join(dir, 'no', 'where') }), isStoreError('STORE_UNREADABLE'));
    assert.throws(() => rowsOf({ key: new Uint8Array(31) }), RangeError);
    assert.throws(() => rowsOf({ maxRows: 0 }), RangeError);
  });

  it('keeps all writes of a batch, or none', () => {
    const rows = rowsOf();
    rows.put(utf8('a'), utf8('before'));
    const wrong = new Error('no');
    const work = (): void => {
      rows.put(utf8('a'), utf8('after'));
      rows.put(utf8('b'), utf8('new'));
      throw wrong;
    };
    assert.throws(() => rows.batch(work), wrong);
    assert.equal(textOf(rows.get(utf8('a'))), 'before');
    assert.deepEqual(rows.size().rows, 1);
    rows.close();
    assert.throws(() => rows.put(utf8('a'), utf8('x')), { code: 'ERR_INVALID_STATE' });
  });

  it('keeps what was there when the disk refuses a write, and says so', () => {
    const rows = rowsOf();
    rows.put(utf8('a'), utf8('before'));
    const full = (): void => {
      rows.put(utf8('a'), utf8('after'));
      throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
    };
    assert.throws(() => rows.batch(full), isStoreError('STORE_WRITE_FAILED'));
    assert.equal(textOf(rows.get(utf8('a'))), 'before');
    assert.match(writeFailed({ errcode: 13 }).message, /full/);
    assert.match(writeFailed({ errcode: 10 }).message, /refused/);
  });

  it('can be written while it is walked, and the walk ends', () => {
    const rows = rowsOf();
    const count = 2 * WALK_ROWS + 10;
    for (let i = 0; i < count; i++) rows.put(utf8(String(i)), utf8('x'));
    let seen = 0;
    for (const [name] of rows.entries()) {
      seen++;
      rows.put(name, utf8('y'));
    }
    assert.equal(seen, count);
  });
});
