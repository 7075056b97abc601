import { Title } from '@mantine/core';
import { IconDatabase, IconPhone, IconServer2 } from '@tabler/icons-react';
import type { ComponentType, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/kit/format';
import { StateBadge, type Tone } from '@/kit/StateBadge';
import { Surface } from '@/kit/Surface';
import { Code } from '@/kit/text/Code';
import { TimeText } from '@/kit/text/TimeText';
import { Bar } from './Bar';
import classes from './home.module.css';
import type { Status } from './status';

/** Shares of the disk that are free. */
const LITTLE = 0.15;
const HARDLY_ANY = 0.05;

interface PartProps {
  icon: ComponentType<{ size?: number | string; stroke?: number | string }>;
  name: string;
  tone: Tone;
  state: string;
  children: ReactNode;
}

function Part({ icon: Icon, name, tone, state, children }: PartProps) {
  return (
    <section aria-label={name} className={classes.section}>
      <Surface className={classes.part}>
        <div className={classes.partHead}>
          <Icon size={20} stroke={1.75} />
          <Title order={2}>{name}</Title>
          <StateBadge tone={tone} label={state} live />
        </div>
        <div className={classes.partText}>{children}</div>
      </Surface>
    </section>
  );
}

/** Whether the parts are well that everything needs. */
export function Health({ status }: { status: Status }) {
  return (
    <div className={classes.health}>
      <Engine engine={status.engine} />
      <Database database={status.database} />
      <Disk disk={status.disk} />
    </div>
  );
}

function Engine({ engine }: { engine: Status['engine'] }) {
  const { t } = useTranslation('home');
  return (
    <Part
      icon={IconPhone}
      name={t('engine.name')}
      tone={engine.ready ? 'ok' : 'bad'}
      state={t(engine.ready ? 'engine.ready' : `engine.state.${engine.state ?? 'unknown'}`)}
    >
      <span>{t(engine.ready ? 'engine.readyText' : 'engine.awayText')}</span>
      <span className={classes.fine}>
        {engine.version !== null && <bdi>{t('engine.version', { version: engine.version })}</bdi>}
        {engine.since !== null && (
          <span>
            {t(engine.ready ? 'engine.since' : 'engine.awaySince')} <TimeText at={engine.since} />
          </span>
        )}
      </span>
      {engine.problem !== null && (
        <span lang="en" dir="auto" className={classes.problem}>
          {engine.problem}
        </span>
      )}
    </Part>
  );
}

function Database({ database }: { database: Status['database'] }) {
  const { t } = useTranslation('home');
  const format = useFormat();
  return (
    <Part
      icon={IconDatabase}
      name={t('database.name')}
      tone={database.ready ? 'ok' : 'bad'}
      state={t(database.ready ? 'database.ready' : 'database.away')}
    >
      <span>{t(`database.kind.${database.kind}`)}</span>
      {database.size_bytes !== null && (
        <span className={classes.fine}>
          {t('database.size', { size: format.bytes(database.size_bytes) })}
        </span>
      )}
    </Part>
  );
}

function Disk({ disk }: { disk: Status['disk'] }) {
  const { t } = useTranslation('home');
  const format = useFormat();
  const free = disk.total_bytes > 0 ? disk.free_bytes / disk.total_bytes : 0;
  const tone = free < HARDLY_ANY ? 'bad' : free < LITTLE ? 'warn' : 'ok';
  return (
    <Part icon={IconServer2} name={t('disk.name')} tone={tone} state={t(`disk.state.${tone}`)}>
      <span>
        {t('disk.free', { free: format.bytes(disk.free_bytes), total: format.bytes(disk.total_bytes) })}
      </span>
      <Bar share={1 - free} tone={tone} />
      <span className={classes.fine}>
        <span>
          {t('disk.recordings')}{' '}
          {disk.recordings_bytes === null ? t('disk.measuring') : format.bytes(disk.recordings_bytes)}
        </span>
        <Code wrap>{disk.path}</Code>
      </span>
    </Part>
  );
}
