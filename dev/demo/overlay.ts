/** Slots through scouts, announcements by gossip, and a change of all handles in between. */

import type { Kith } from './kith.ts';
import { EPOCH_S, seconds, type Stage } from './stage.ts';

/** `second` is a public node that only gossip can have told bob and carol of: they entered through another. */
export async function showOverlay(stage: Stage, people: readonly Kith[], second: string): Promise<void> {
  await Promise.all(people.map((kith) => kith.line('overlay', ({ state }) => state === 'joined')));
  stage.tell('joined', {}, 'alice, bob and carol are in the overlay, each under a handle that names nobody');
  const text = `written at ${new Date().toISOString()}`;
  const { reference, holders, tookMs } = await stage.command('alice', ['dht', 'put', text]).line('put');
  stage.tell(
    'put',
    { holders, tookMs },
    `alice's scout left a sealed slot with ${String(holders)} nodes (${seconds(tookMs)})`,
  );
  await Promise.all(
    people.map(async ({ name }) => {
      const watch = stage.command(name, ['gossip', 'watch']);
      await watch.line('announced', ({ onion }) => onion === second);
      await watch.stop();
    }),
  );
  stage.tell('announced', { onion: second }, 'the second public node was announced to all by gossip');
  const now = Math.floor(Date.now() / (EPOCH_S * 1000));
  await Promise.all(people.map((kith) => kith.line('handle', ({ epoch }) => Number(epoch) > now)));
  stage.tell('rotated', {}, 'a new epoch: alice, bob and carol appear under other handles');
  const got = await stage.command('carol', ['dht', 'get', String(reference)]).line('got');
  if (Buffer.from(String(got['data']), 'base64').toString() !== text) {
    throw new Error('carol found something else than alice stored');
  }
  stage.tell(
    'got',
    { answers: got['answers'], tookMs: got['tookMs'], same: true },
    `carol's scout found and opened what alice stored (${seconds(got['tookMs'])}); contents equal`,
  );
}
