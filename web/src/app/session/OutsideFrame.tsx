import { Group, Paper, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { LanguageSwitch } from '../shell/LanguageSwitch';
import { SchemeSwitch } from '../shell/SchemeSwitch';
import { Wordmark } from '../shell/Wordmark';
import classes from './OutsideFrame.module.css';
import { useCurrent } from './session';

/** Around what is shown before the console itself: signing in, choosing a password. */
export function OutsideFrame({
  title,
  text,
  children,
}: {
  title: string;
  text: string;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const { version } = useCurrent();
  return (
    <div className={classes.screen}>
      <title>{`${title} · ${t('product')}`}</title>
      <header className={classes.top}>
        <Wordmark />
        <Group gap="2xs" wrap="nowrap">
          <LanguageSwitch />
          <SchemeSwitch />
        </Group>
      </header>
      <main className={classes.middle}>
        <Paper withBorder radius="lg" className={classes.card}>
          <Stack gap="lg">
            <Stack gap="2xs">
              <Title order={1}>{title}</Title>
              <Text c="dimmed" size="sm">
                {text}
              </Text>
            </Stack>
            {children}
          </Stack>
        </Paper>
      </main>
      <footer className={classes.bottom}>{t('version', { version })}</footer>
    </div>
  );
}
