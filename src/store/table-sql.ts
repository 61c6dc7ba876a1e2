/** The SQL of one table of sealed rows. Names come from our own code, checked by `Database.open`; nothing else is put in. */

/** What the table lies in, statement by statement. */
export function creationOf(name: string): string[] {
  return [
    `CREATE TABLE IF NOT EXISTS "t_${name}" (seq INTEGER PRIMARY KEY AUTOINCREMENT, tag BLOB NOT NULL UNIQUE,
      scope BLOB NOT NULL, alias BLOB UNIQUE, sealed BLOB NOT NULL) STRICT`,
    `CREATE INDEX IF NOT EXISTS "i_${name}" ON "t_${name}" (scope, seq)`,
  ];
}

export function sqlOf(name: string) {
  const select = `SELECT seq, tag, sealed FROM "t_${name}" WHERE`;
  return {
    select,
    byTag: `${select} tag = ?`,
    byAlias: `${select} alias = ?`,
    bySeq: `${select} seq = ?`,
    // without the sealed bytes, which may lie on pages of their own
    place: `SELECT seq, scope, alias FROM "t_${name}" WHERE tag = ?`,
    insert: `INSERT INTO "t_${name}" (tag, scope, alias, sealed, seq) VALUES (?, ?, ?, ?, ?)`,
    update: `UPDATE "t_${name}" SET scope = ?, alias = ?, sealed = ? WHERE seq = ?`,
    // leaves the indexes alone: SQLite writes each that a statement names anew, whether it changes or not
    reseal: `UPDATE "t_${name}" SET sealed = ? WHERE seq = ?`,
    delete: `DELETE FROM "t_${name}" WHERE tag = ?`,
    deleteScope: `DELETE FROM "t_${name}" WHERE scope = ?`,
    count: `SELECT count(*) AS n FROM "t_${name}"`,
    countScope: `SELECT count(*) AS n FROM "t_${name}" WHERE scope = ?`,
    last: `SELECT seq AS n FROM sqlite_sequence WHERE name = 't_${name}'`,
    skip: [
      `UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 't_${name}'`,
      `INSERT INTO sqlite_sequence (name, seq) SELECT 't_${name}', ?
        WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 't_${name}')`,
    ],
  };
}
