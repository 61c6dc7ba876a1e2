/** `kith friends`, `kith requests` and everything that changes what somebody is to this node. */

import type { ListedFriend } from '../local/api.ts';
import type { KithClient } from '../local/people-client.ts';
import type { FriendView } from '../node/people-face.ts';
import { KithError } from '../safety/errors.ts';
import { asked } from './ask.ts';
import { contentOf, textOf } from './content.ts';
import type { Context } from './context.ts';
import { withPeople } from './node-client.ts';
import { counted, fieldsOf, oneLine } from './output.ts';
import { friendLine, friendText } from './people-text.ts';

export async function friends(context: Context, who?: string): Promise<void> {
  const { output } = context;
  await withPeople(context, async (people) => {
    if (who !== undefined) {
      const { profile, ...friend } = await people.friend(who);
      const listed = { ...friend, profile: profile && withoutPicture(profile) };
      output.result('friend', fieldsOf(listed), friendText(listed, output));
      return;
    }
    const all = (await people.friends()).filter(({ state }) => state !== 'asking');
    for (const friend of all) output.event('friend', fieldsOf(friend), friendLine(friend, output));
    const count = all.filter(({ state }) => state === 'friend').length;
    const unread = all.reduce((sum, friend) => sum + friend.unread, 0);
    output.result(
      'friends',
      { friends: count, unread },
      all.length === 0 ? 'Nobody yet. Invite somebody: kith invite' : `${counted(count, 'friend')}.`,
    );
  });
}

function withoutPicture({
  name,
  status,
  picture,
}: NonNullable<FriendView['profile']>): ListedFriend['profile'] {
  return { name, status, hasPicture: picture !== null };
}

export async function requests(context: Context): Promise<void> {
  const { output } = context;
  await withPeople(context, async (people) => {
    const asking = (await people.friends()).filter(({ state }) => state === 'asking');
    for (const friend of asking) {
      const note = friend.note === '' ? '' : `\n  “${oneLine(friend.note)}”`;
      output.event('request', fieldsOf(friend), `${friendLine(friend, output)}\n  ${friend.id}${note}`);
    }
    output.result(
      'requests',
      { requests: asking.length },
      asking.length === 0
        ? 'Nobody asks.'
        : `Answer with: kith accept <name>, kith deny <name> or kith block <name>`,
    );
  });
}

export interface AddOptions {
  readonly name?: string;
  readonly note?: string;
}

/** The invite as an argument, which others on the machine can read, or else from a person or a pipe. */
export async function add(context: Context, given: string | undefined, options: AddOptions): Promise<void> {
  const { output } = context;
  const uri = given ?? (await asked('Invite: ', context)) ?? '-';
  const read = uri === '-' ? await textOf(contentOf(uri, context, noInvite), noInvite) : uri;
  const invite = read.replaceAll(/\s/g, ''); // pasted over several lines
  if (!/^kith:/i.test(invite)) throw noInvite();
  await withPeople(context, async (people) => {
    output.progress('asking', {}, 'Knocking through Tor…');
    const friend = await people.add(invite, options);
    const name = output.bold(oneLine(friend.name));
    const sentence =
      friend.state === 'friend'
        ? `${name} asked you too: you are friends.`
        : `Asked ${name}. The request is kept and goes out; kith friends shows what came of it.`;
    output.result('added', { id: friend.id, name: friend.name, state: friend.state }, sentence);
  });
}

function noInvite(): KithError {
  return new KithError('INVITE_MISTYPED', 'that is no invite', {
    hint: 'Give the whole line that `kith invite` of the other side printed: it starts with kith:',
  });
}

/** What one call does to one person, and the sentence about it. */
async function change(
  context: Context,
  result: string,
  call: (people: KithClient) => Promise<Pick<FriendView, 'id' | 'name' | 'state'>>,
  sentence: (name: string) => string,
): Promise<void> {
  const { output } = context;
  await withPeople(context, async (people) => {
    const { id, name, state } = await call(people);
    output.result(result, { id, name, state }, sentence(output.bold(oneLine(name))));
  });
}

export async function accept(context: Context, who: string, { name }: { name?: string }): Promise<void> {
  await change(
    context,
    'accepted',
    (people) => people.accept(who, name),
    (shown) => `You and ${shown} are friends. Compare safety words when you can: kith verify ${shown}`,
  );
}

export async function block(context: Context, who: string): Promise<void> {
  await change(
    context,
    'blocked',
    (people) => people.block(who),
    (name) => `${name} is blocked: nothing from them is read any more.`,
  );
}

export async function rename(context: Context, who: string, name: string): Promise<void> {
  await change(
    context,
    'renamed',
    (people) => people.rename(who, name),
    (shown) => `Now ${shown}, here alone: they do not learn it.`,
  );
}

/** As {@link change}, for calls after which the person is gone. */
async function end(
  context: Context,
  result: string,
  who: string,
  call: (people: KithClient) => Promise<void>,
  sentence: (name: string, before: FriendView['state']) => string,
): Promise<void> {
  const { output } = context;
  await withPeople(context, async (people) => {
    const { id, name, state } = await people.friend(who);
    await call(people);
    output.result(result, { id, name }, sentence(output.bold(oneLine(name)), state));
  });
}

export async function deny(context: Context, who: string): Promise<void> {
  await end(
    context,
    'denied',
    who,
    (people) => people.deny(who),
    (name) => `${name} hears nothing of it, and may ask again with another invite.`,
  );
}

export async function unblock(context: Context, who: string): Promise<void> {
  await end(
    context,
    'unblocked',
    who,
    (people) => people.unblock(who),
    (name) => `${name} may ask again.`,
  );
}

export async function remove(context: Context, who: string, { history = false }): Promise<void> {
  await end(
    context,
    'removed',
    who,
    (people) => people.remove(who, { history }),
    (name, before) => {
      if (before === 'requested') return `The request to ${name} is taken back.`;
      if (before === 'asking') return `The request of ${name} is gone; they hear nothing of it.`;
      const kept = history ? 'The history is gone too.' : 'The history stays here.';
      return `${name} cannot reach you any more. ${kept}`;
    },
  );
}
