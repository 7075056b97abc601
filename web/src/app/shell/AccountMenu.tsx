import { ActionIcon } from '@mantine/core';
import { IconUserCircle } from '@tabler/icons-react';
import { type Ref, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { lazyPart } from '../parts';
import { useSession } from '../session/session';

const OpenAccountMenu = lazyPart(() => import('./OpenAccountMenu'));

/** Whose session this is, and what they can do with it. The menu itself is fetched when it is wanted. */
export function AccountMenu() {
  const [asked, setAsked] = useState(false);
  const button = <AccountButton onClick={() => setAsked(true)} />;
  return asked ? (
    <Suspense fallback={button}>
      <OpenAccountMenu />
    </Suspense>
  ) : (
    button
  );
}

/** What opens it. */
export function AccountButton({ ref, ...props }: { ref?: Ref<HTMLButtonElement>; onClick?: () => void }) {
  const { t } = useTranslation();
  const session = useSession();
  return (
    <ActionIcon
      ref={ref}
      variant="subtle"
      color="gray"
      size="lg"
      aria-label={t('shell.account', { name: session.username })}
      aria-haspopup="menu"
      {...props}
    >
      <IconUserCircle size={22} stroke={1.75} aria-hidden="true" />
    </ActionIcon>
  );
}
