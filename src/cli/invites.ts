/** `kith invite`: opens a door and prints what leads to it. `kith invites`: those that are open; `close <id>` ends one. */

import type { InviteView } from '../node/people-face.ts';
import type { KithClient } from '../local/people-client.ts';
import { KithError } from '../safety/errors.ts';
import type { Context } from './context.ts';
import { type QrOption, withQr } from './identity.ts';
import { withPeople } from './node-client.ts';
import { counted, fieldsOf } from './output.ts';
import { inviteLine, whenText } from './people-text.ts';

const HOUR_MS = 3_600_000;

/** Longest life of an invite, hours: private 30 days, public 365. */
const MAX_HOURS = { private: 30 * 24, public: 365 * 24 } as const;

export interface InviteCommandOptions extends QrOption {
  readonly public?: boolean;
  readonly hours?: string;
  readonly note?: string;
  /** False: do not wait until the door can be reached. */
  readonly wait?: boolean;
}

export async function invite(context: Context, options: InviteCommandOptions): Promise<void> {
  const { output } = context;
  const { public: forAll = false, hours, note, wait = true } = options;
  const ttl = hours === undefined ? {} : { ttlMs: hoursArgument(hours, forAll) * HOUR_MS };
  await withPeople(context, async (people) => {
    const events = people.events();
    const wanted = { public: forAll, ...ttl, ...(note === undefined ? {} : { note }) };
    let opened = await people.openInvite(wanted);
    if (wait && opened.state === 'opening') {
      output.progress('opening', { id: opened.id }, 'Opening a door through Tor…');
      opened = await whenOpen(people, opened, events);
    }
    if (opened.state === 'failed') throw notOpen();
    const whom = forAll
      ? 'Whoever has this line can ask to be your friend'
      : 'One person can use this line, once';
    const sentence = `${whom}, until ${whenText(opened.expiresAt)}:\n${opened.uri}`;
    output.result('invite', fieldsOf(opened), await withQr(sentence, opened.uri, options));
  });
}

/** The invite as soon as its door is open or has failed. */
async function whenOpen(
  people: KithClient,
  opened: InviteView,
  events: ReturnType<KithClient['events']>,
): Promise<InviteView> {
  const now = (await people.invites()).find(({ id }) => id === opened.id);
  if (now !== undefined && now.state !== 'opening') return now; // between the two calls
  for await (const event of events) {
    if (event.kind === 'invite-closed' && event.id === opened.id) throw notOpen();
    if (event.kind !== 'invite' || event.invite.id !== opened.id) continue;
    if (event.invite.state !== 'opening') return event.invite;
  }
  return opened;
}

export async function invites(context: Context): Promise<void> {
  const { output } = context;
  await withPeople(context, async (people) => {
    const open = await people.invites();
    for (const one of open) output.event('invite', fieldsOf(one), `${inviteLine(one)}\n  ${one.uri}`);
    const none = 'No invite is open. Make one with `kith invite`.';
    output.result(
      'invites',
      { invites: open.length },
      open.length === 0 ? none : `${counted(open.length, 'invite')}; end one with: kith invites close <id>`,
    );
  });
}

export async function closeInvite(context: Context, id: string): Promise<void> {
  const { output } = context;
  await withPeople(context, async (people) => {
    await people.closeInvite(id.trim().toLowerCase());
    output.result('closed', { id }, 'Closed: nobody can use that invite any more.');
  });
}

function hoursArgument(given: string, forAll: boolean): number {
  const most = MAX_HOURS[forAll ? 'public' : 'private'];
  const hours = Number(given);
  if (/^[0-9]+$/.test(given) && hours >= 1 && hours <= most) return hours;
  throw new KithError('BAD_HOURS', 'that is no number of hours an invite can last', {
    hint: `Give a whole number, 1 to ${most} (${most / 24} days).`,
  });
}

function notOpen(): KithError {
  return new KithError('INVITE_NOT_OPEN', 'the door could not be opened', {
    hint: 'Look at `kith status` whether tor is ready, then try again.',
  });
}
