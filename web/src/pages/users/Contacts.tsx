import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { AnswerOf } from '@/api/client';
import { Code } from '@/kit/text/Code';
import { Name } from '@/kit/text/Name';
import { TimeText } from '@/kit/text/TimeText';
import classes from './users.module.css';

export interface ContactsProps {
  contacts: AnswerOf<'/pbx/users/get'>['contacts'];
  /** The phone is at a fixed address and registers nowhere. */
  fixed?: boolean;
}

/** The phones that are registered as an extension. */
export function Contacts({ contacts, fixed = false }: ContactsProps) {
  const { t } = useTranslation('users');
  if (contacts.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t(fixed ? 'contacts.fixed' : 'contacts.none')}
      </Text>
    );
  }
  return (
    <ul className={classes.contacts} aria-label={t('contacts.title')}>
      {contacts.map((contact) => (
        <li key={contact.uri}>
          <Code>{contact.address}</Code>
          <span className={classes.agent}>
            <Name>{contact.user_agent === '' ? t('contacts.unknown') : contact.user_agent}</Name>
          </span>
          <Text size="xs" c="dimmed">
            {t('contacts.expires')} <TimeText at={contact.expires_at} as="relative" />
          </Text>
        </li>
      ))}
    </ul>
  );
}
