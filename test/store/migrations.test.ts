import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { utf8 } from '../../src/safety/bytes.ts';
import { type Migration, MIGRATIONS } from '../../src/store/migrations.ts';
import { files, putAll, shown } from './files.ts';

const at = files();
const path = (): string => join(at.dir, 'people.db');

function layout(): number {
  const sqlite = new DatabaseSync(path());
  const { user_version: version } = sqlite.prepare('PRAGMA user_version').get() as { user_version: number };
  sqlite.close();
  return version;
}

/** A file of layout 1 with rows, closed. */
function fixture(): void {
  const database = at.open({ migrations: MIGRATIONS.slice(0, 1) });
  putAll(database, 'message', 'a b c');
  database.close();
}

/** Rewrites rows, adds a table that is filled from another, adds a column: what migrations do. */
const second: Migration = {
  to: 2,
  run(context) {
    const table = context.table('message');
    for (const row of table.page({ after: 0, limit: 100 })) {
      table.put({ name: row.name, value: utf8(`${Buffer.from(row.value).toString()}2`) });
      context.table('added').put({ name: row.name, value: utf8('added') });
    }
    context.run('ALTER TABLE header ADD COLUMN later INTEGER');
  },
};
const third: Migration = { to: 3, run: (context) => context.table('message').delete(utf8('b')) };
const tables = ['message', 'session', 'added'].map((name) => ({ name, inBackup: true }));

test('a file of layout 1 is brought to a later one, step by step, once', () => {
  fixture();
  assert.equal(layout(), 1);
  const migrations = [...MIGRATIONS, second, third];
  for (let i = 0; i < 2; i++) {
    const database = at.open({ migrations, tables });
    assert.deepEqual(shown(database.table('message').page({ after: 0, limit: 9 })), ['a=a2', 'c=c2']);
    assert.equal(database.table('added').count(), 3);
    database.close();
    assert.equal(layout(), 3);
  }
});

test('a step that fails leaves the file of the layout before it, which the older version still reads', () => {
  fixture();
  const failing: Migration = {
    to: 3,
    run(context) {
      third.run(context);
      throw new Error('no');
    },
  };
  const open = (): unknown => at.open({ migrations: [...MIGRATIONS, second, failing], tables });
  assert.throws(open, { code: 'STORE_UPGRADE_FAILED', data: { to: 3 } });
  assert.equal(layout(), 2);
  const database = at.open({ migrations: [...MIGRATIONS, second], tables });
  assert.deepEqual(shown(database.table('message').page({ after: 0, limit: 9 })), ['a=a2', 'b=b2', 'c=c2']);
});

test('a step that is cut off anywhere is done whole at the next start', () => {
  const migrations = [...MIGRATIONS, second];
  for (let cutAt = 0, cut = true; cut; cutAt++) {
    const name = join(at.dir, `cut-${cutAt}.db`);
    const first = at.open({ path: name, tables });
    putAll(first, 'message', 'a b c');
    first.close();
    let step = 0;
    cut = false;
    const onStep = (): void => {
      if (step++ !== cutAt) return;
      cut = true;
      throw new Error('cut');
    };
    try {
      at.open({ path: name, migrations, tables, onStep }).close();
    } catch {
      assert.ok(cut);
    }
    const database = at.open({ path: name, migrations, tables });
    assert.deepEqual(shown(database.table('message').page({ after: 0, limit: 9 })), ['a=a2', 'b=b2', 'c=c2']);
    assert.equal(database.table('added').count(), 3);
    database.close();
    assert.ok(cutAt < 100);
  }
});

test('a file of a newer version is refused and stays byte for byte', () => {
  fixture();
  at.open({ migrations: [...MIGRATIONS, second], tables }).close();
  const before = readFileSync(path());
  assert.throws(() => at.open(), { code: 'STORE_TOO_NEW', data: { version: 2, known: 1 } });
  assert.deepEqual(readFileSync(path()), before);
});

test('a file is not touched by a migration under a wrong key', () => {
  fixture();
  const open = (): unknown => at.open({ key: new Uint8Array(32), migrations: [...MIGRATIONS, second] });
  assert.throws(open, { code: 'STORE_KEY_WRONG' });
  assert.equal(layout(), 1);
});

test('the list has no gaps, and begins at 1', () => {
  assert.deepEqual(
    MIGRATIONS.map(({ to }) => to),
    MIGRATIONS.map((_, i) => i + 1),
  );
});
