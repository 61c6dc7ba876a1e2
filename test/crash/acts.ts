/** What people do in a story besides writing plain texts: they read, answer with emoji, edit, delete and attach. */

import type { Message } from '../../src/chat/message.ts';
import type { Person } from './person.ts';
import type { Story } from './story.ts';

/** What one of them does next: the first twelve are one of each kind, so that a short story has them all. */
export function act(story: Story, i: number): void {
  const { world } = story;
  const [by, to] = world.chance() < 0.5 ? story.people : (story.people.toReversed() as [Person, Person]);
  if (by.isDead || to.isDead) return;
  const kind = i < 12 ? i : world.below(20);
  const mine = (message: Message): boolean => message.mine && message.kind === 'text';
  switch (kind) {
    case 3:
      return void by.does(() => by.book.chat.markRead(to.id));
    case 5:
      return onOne(
        by,
        to,
        (message) => !message.mine && message.kind === 'text',
        (message) => {
          by.book.chat.react(message.id, '👍');
        },
      );
    case 7:
      return onOne(by, to, mine, (message) => {
        story.changed.add(message.text);
        by.book.chat.edit(message.id, `${message.text} edited`);
      });
    case 9:
      return onOne(by, to, mine, (message) => {
        story.changed.add(message.text);
        by.book.chat.delete(message.id);
      });
    case 10: {
      const bytes = new Uint8Array(20_000).fill(i);
      return void by.does(() => {
        by.book.chat.send(to.id, {
          attachment: { name: `${i}.bin`, type: 'application/octet-stream', bytes },
        });
      });
    }
    case 11:
      return story.write(by, to, 9_000);
    default:
      return story.write(by, to);
  }
}

function onOne(
  by: Person,
  to: Person,
  is: (message: Message) => boolean,
  work: (message: Message) => void,
): void {
  by.does(() => {
    const found = by.messages(to.id).filter(is).at(-1);
    if (found !== undefined) work(found);
  });
}
