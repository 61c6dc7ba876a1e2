import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { utf8 } from '../../src/safety/bytes.ts';
import { Database } from '../../src/store/database.ts';
import { StoreError, type StoreErrorCode } from '../../src/store/errors.ts';
import { MIGRATIONS } from '../../src/store/migrations.ts';
import { SealedRows } from '../../src/store/sealed-rows.ts';
import { files, KEY, putAll, shown } from './files.ts';

const at = files();
const all = (database: Database, table = 'message'): string[] =>
  shown(database.table(table).page({ after: 0, limit: 100 }));
const isStoreError = (code: StoreErrorCode) => (error: unknown) =>
  error instanceof StoreError && error.code === code;

describe('a transaction', () => {
  it('keeps the writes to all its tables, and a crash behind it changes nothing', () => {
    const database = at.open();
    const result = database.transaction(() => {
      putAll(database, 'message', 'a b');
      putAll(database, 'session', 's');
      return 7;
    });
    assert.equal(result, 7);
    const after = at.crashed();
    assert.deepEqual(all(after), ['a=a', 'b=b']);
    assert.deepEqual(all(after, 'session'), ['s=s']);
  });

  it('keeps none of them when it throws, or where the process ends before the commit', () => {
    const database = at.open();
    putAll(database, 'message', 'a');
    const wrong = new Error('no');
    const work = (): void => {
      putAll(database, 'message', 'b');
      database.table('message').delete(utf8('a'));
      assert.deepEqual(all(at.crashed()), ['a=a']);
      throw wrong;
    };
    assert.throws(() => database.transaction(work), wrong);
    assert.deepEqual(all(database), ['a=a']);
    putAll(database, 'message', 'c');
    assert.deepEqual(all(database), ['a=a', 'c=c']);
  });

  it('inside another is a part of it: kept with it, undone with it, or undone alone', () => {
    const database = at.open();
    const events: string[] = [];
    const part = (name: string, fail: boolean): void =>
      database.transaction(() => {
        putAll(database, 'message', name);
        database.afterCommit(() => events.push(`kept ${name}`));
        database.onRollback(() => events.push(`undone ${name}`));
        if (fail) throw new Error(name);
      });
    database.transaction(() => {
      part('a', false);
      assert.throws(() => part('b', true), /b/);
      assert.deepEqual(events, ['undone b']);
      assert.deepEqual(all(at.crashed()), []);
    });
    assert.deepEqual(all(at.crashed()), ['a=a']);
    assert.deepEqual(events, ['undone b', 'kept a']);
    const outer = (): void => {
      part('c', false);
      database.onRollback(() => events.push('undone outer'));
      part('d', false);
      throw new Error('outer');
    };
    assert.throws(() => database.transaction(outer), /outer/);
    assert.deepEqual(events.slice(2), ['undone d', 'undone outer', 'undone c']);
    assert.deepEqual(all(database), ['a=a']);
  });

  it('is there after a kill -9 as soon as it has returned', async () => {
    const path = join(at.dir, 'killed.db');
    const from = (file: string): string => JSON.stringify(new URL(`../../src/${file}`, import.meta.url).href);
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { writeSync } from 'node:fs';
         import { Database } from ${from('store/database.ts')};
         const tables = [{ name: 'message', inBackup: true }, { name: 'session', inBackup: false }];
         const database = Database.open({ path: ${JSON.stringify(path)}, key: new Uint8Array(32).fill(5), tables });
         for (let i = 1; ; i++) {
           const row = { name: new TextEncoder().encode(String(i)), value: new Uint8Array(500) };
           database.transaction(() => {
             database.table('message').put(row);
             database.table('session').put(row);
           });
           writeSync(1, i + '\\n');
         }`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let output = '';
    for await (const piece of child.stdout) {
      output += String(piece);
      if (output.length > 500) break;
    }
    child.kill('SIGKILL');
    const told = Number(output.trimEnd().split('\n').at(-1));
    await (child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined);
    const database = at.open({ path });
    const rows = database.table('message').count();
    assert.ok(rows >= told && told > 100, `${rows} rows, ${told} told`);
    assert.equal(database.table('session').count(), rows);
    assert.equal(database.table('message').page({ limit: 1_000 }).length, Math.min(rows, 1_000));
  });

  it('cannot wait for a promise', async () => {
    const database = at.open();
    const work = async (): Promise<void> => putAll(database, 'message', 'a');
    assert.throws(() => database.transaction(work), TypeError);
    assert.deepEqual(all(database), []);
    await Promise.resolve();
  });

  it('has what was to run after the commit run after it, each, even where one throws', () => {
    const database = at.open();
    const events: string[] = [];
    database.afterCommit(() => events.push('outside: at once'));
    database.onRollback(() => events.push('never'));
    const work = (): void => {
      putAll(database, 'message', 'a');
      database.afterCommit(() => {
        events.push(...all(at.crashed()));
        throw new Error('listener');
      });
      // one that writes has a transaction of its own
      database.afterCommit(() => putAll(database, 'message', 'b'));
      events.push('in');
    };
    assert.throws(() => database.transaction(work), /listener/);
    assert.deepEqual(events, ['outside: at once', 'in', 'a=a']);
    assert.deepEqual(all(database), ['a=a', 'b=b']);
  });

  it('says when undoing failed too, and goes on', () => {
    const database = at.open();
    const work = (): void => {
      database.onRollback(() => {
        throw new Error('cache');
      });
      throw new Error('first');
    };
    assert.throws(
      () => database.transaction(work),
      (error: AggregateError) => error.errors.map(({ message }) => message).join() === 'first,cache',
    );
    putAll(database, 'message', 'a');
    assert.deepEqual(all(database), ['a=a']);
  });

  it('can be cut off at each step: all of it was kept or nothing', () => {
    const steps: string[] = [];
    let cutAt = Infinity;
    const onStep = (step: string): void => {
      if (steps.push(step) - 1 === cutAt) throw new Error('cut');
    };
    const write = (database: Database): void =>
      database.transaction(() => {
        putAll(database, 'message', 'a b');
        database.table('session').delete(utf8('s'));
        database.table('message').put({ name: utf8('a'), value: utf8('new') });
      });
    write(at.open({ path: join(at.dir, 'first.db'), onStep }));
    const began = steps.lastIndexOf('before begin');
    assert.deepEqual(
      steps.slice(began).join(', '),
      'before begin, after begin, before insert message, after insert message, before insert message, ' +
        'after insert message, before delete session, after delete session, before update message, ' +
        'after update message, before commit, after commit',
    );
    const total = steps.length;
    for (let step = 0; step < total - began; step++) {
      steps.length = 0;
      cutAt = Infinity;
      const path = join(at.dir, `cut-${step}.db`);
      const database = at.open({ path, onStep });
      putAll(database, 'session', 's');
      let kept = false;
      cutAt = steps.length + step;
      const cut = (): void =>
        database.transaction(() => {
          database.afterCommit(() => (kept = true));
          write(database);
        });
      assert.throws(cut, /cut/);
      assert.equal(kept, false);
      database.close();
      const found = at.open({ path });
      const whole = step === total - began - 1;
      assert.deepEqual(all(found), whole ? ['a=new', 'b=b'] : [], String(step));
      assert.deepEqual(all(found, 'session'), whole ? [] : ['s=s'], String(step));
    }
  });

  it('is undone and says so when the disk is full, and no later write is kept without it', () => {
    const full = {
      to: 2,
      run: (context: { run(sql: string): void }) => context.run('PRAGMA max_page_count = 60'),
    };
    const database = at.open({ migrations: [...MIGRATIONS, full] });
    putAll(database, 'message', 'before');
    const fill = (): void => {
      for (let i = 0; ; i++)
        database.table('message').put({ name: utf8(`n${i}`), value: new Uint8Array(4_000) });
    };
    // SQLite gives up the whole transaction then: whoever catches the error and writes on must not be kept alone
    const work = (): void => {
      assert.throws(fill, isStoreError('STORE_WRITE_FAILED'));
      assert.throws(() => putAll(database, 'session', 's'), isStoreError('STORE_WRITE_FAILED'));
    };
    assert.throws(() => database.transaction(work), isStoreError('STORE_WRITE_FAILED'));
    assert.throws(
      () => database.transaction(() => database.transaction(fill)),
      isStoreError('STORE_WRITE_FAILED'),
    );
    assert.deepEqual(all(at.crashed({ migrations: [...MIGRATIONS, full] })), ['before=before']);
    putAll(database, 'message', 'small');
    assert.deepEqual(all(database), ['before=before', 'small=small']);
    assert.deepEqual(all(database, 'session'), []);
  });
});

describe('Database', () => {
  it('shows nothing in its files but the names of its tables, and only their owner can read them', () => {
    const database = at.open();
    const secrets = ['name of a contact', 'value of a message', 'scope of bob', 'alias of a message'];
    const [name, value, scope, alias] = secrets.map(utf8) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    database.table('message').put({ name, value, scope, alias });
    const look = (): void => {
      const bytes = at.bytes();
      assert.ok(bytes.includes('t_message'));
      for (const secret of secrets) assert.equal(bytes.includes(secret), false, secret);
      assert.equal(bytes.includes(KEY), false);
      for (const file of readdirSync(at.dir))
        assert.equal(statSync(join(at.dir, file)).mode & 0o777, 0o600, file);
    };
    look();
    assert.ok(readdirSync(at.dir).includes('people.db-wal'));
    database.close();
    database.close();
    look();
  });

  it('knows only the tables that were declared, with names of one form', () => {
    const database = at.open();
    assert.throws(() => database.table('other'), RangeError);
    const named =
      (...names: string[]) =>
      () =>
        at.open({ path: ':memory:', tables: names.map((name) => ({ name, inBackup: true })) });
    for (const wrong of ['', 'A', 'a b', 'a"', 'a'.repeat(33), 'a1'])
      assert.throws(named(wrong), RangeError, wrong);
    assert.throws(named('a', 'a'), RangeError);
    assert.throws(() => at.open({ key: new Uint8Array(31) }), RangeError);
    named('order', 'select', '_')();
  });

  it('gets tables that a later version declares, and keeps those that it does not', () => {
    putAll(at.open(), 'message', 'a');
    const later = [
      { name: 'message', inBackup: true },
      { name: 'later', inBackup: true },
    ];
    putAll(at.crashed({ tables: later }), 'later', 'b');
    assert.deepEqual(all(at.crashed()), ['a=a']);
  });

  it('says so when the key is wrong, the file is something else, or another has it open', () => {
    const database = at.open();
    putAll(database, 'message', 'a');
    assert.throws(() => at.open(), isStoreError('STORE_IN_USE'));
    database.close();
    assert.throws(() => at.open({ key: new Uint8Array(32) }), isStoreError('STORE_KEY_WRONG'));
    assert.deepEqual(all(at.open()), ['a=a']);
    const path = join(at.dir, 'other');
    writeFileSync(path, 'this is not a database, and it is long enough to be looked at'.repeat(100));
    assert.throws(() => at.open({ path }), isStoreError('STORE_DAMAGED'));
    assert.throws(() => at.open({ path: join(at.dir, 'no', 'where') }), isStoreError('STORE_UNREADABLE'));
    const rows = join(at.dir, 'rows.db');
    SealedRows.open({ path: rows, key: KEY, maxRows: 1, maxBytes: 1_000 }).close();
    assert.throws(() => at.open({ path: rows }), isStoreError('STORE_DAMAGED'));
  });

  it('makes a snapshot that later writes do not reach, sealed, and removes it', () => {
    const database = at.open();
    putAll(database, 'message', 'a b');
    database.table('message').delete(utf8('b'));
    const { database: before, remove } = database.snapshot();
    putAll(database, 'message', 'c');
    assert.deepEqual(all(before), ['a=a']);
    assert.equal(before.table('message').lastSeq(), 2);
    assert.equal(statSync(join(at.dir, 'people.db.snapshot')).mode & 0o777, 0o600);
    remove();
    assert.equal(readdirSync(at.dir).includes('people.db.snapshot'), false);
    writeFileSync(join(at.dir, 'people.db.snapshot'), 'left by a crash');
    database.snapshot().remove();
    assert.throws(() => database.transaction(() => database.snapshot()));
    assert.equal(readdirSync(at.dir).includes('people.db.snapshot'), false);
    assert.deepEqual(all(database), ['a=a', 'c=c']);
  });

  it('removes what a crash left of a snapshot when it opens, and nothing with a wrong key', () => {
    at.open().close();
    const left = ['', '-journal', '-wal', '-shm'].map((end) => `people.db.snapshot${end}`);
    for (const name of left) writeFileSync(join(at.dir, name), 'left by a crash');
    assert.throws(() => at.open({ key: new Uint8Array(32).fill(9) }), isStoreError('STORE_KEY_WRONG'));
    assert.equal(readdirSync(at.dir).filter((name) => left.includes(name)).length, left.length);
    const database = at.open();
    assert.deepEqual(
      readdirSync(at.dir).filter((name) => left.includes(name)),
      [],
    );
    database.close();
  });
});
