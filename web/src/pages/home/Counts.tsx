import { IconApi, IconHistory, IconPhoneCall, IconStack2, IconUsers, IconWorld } from '@tabler/icons-react';
import type { ComponentType } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useMay } from '@/app/session/session';
import { useFormat } from '@/kit/format';
import classes from './home.module.css';
import type { Status } from './status';

interface TileProps {
  icon: ComponentType<{ size?: number | string; stroke?: number | string; 'aria-hidden'?: 'true' }>;
  name: string;
  value: string;
  /** One line more. */
  detail: string;
  /** Needs to be looked at. */
  warn?: boolean;
  /** Where it leads, for whoever may see that page. */
  to: string | null;
}

function Tile({ icon: Icon, name, value, detail, warn = false, to }: TileProps) {
  const inside = (
    <>
      <span className={classes.tileName}>
        <Icon size={18} stroke={1.75} aria-hidden="true" />
        {name}
      </span>
      <strong className={classes.tileValue}>{value}</strong>
      <span className={classes.tileDetail} data-warn={warn || undefined}>
        {detail}
      </span>
    </>
  );
  return (
    <li>
      {to === null ? (
        <div className={classes.tile}>{inside}</div>
      ) : (
        <Link to={to} className={classes.tile}>
          {inside}
        </Link>
      )}
    </li>
  );
}

/** What there is and what happens, each leading to its page. */
export function Counts({ counts }: { counts: Status['counts'] }) {
  const { t } = useTranslation('home');
  const { number } = useFormat();
  const may = useMay();
  const to = (page: string, path: string) => (may(page, 'read') ? path : null);
  const dead = counts.trunks - counts.trunks_ok;
  return (
    <section aria-label={t('counts.title')}>
      <ul className={classes.tiles}>
        <Tile
          icon={IconPhoneCall}
          name={t('counts.callsNow')}
          value={number(counts.calls_now)}
          detail={t('counts.live')}
          to={to('calls', '/calls')}
        />
        <Tile
          icon={IconHistory}
          name={t('counts.callsToday')}
          value={number(counts.calls_today)}
          detail={t('counts.sinceMidnight')}
          to={to('calls', '/calls?tab=recent')}
        />
        <Tile
          icon={IconUsers}
          name={t('counts.extensions')}
          value={number(counts.extensions)}
          detail={t('counts.registered', { count: counts.registered })}
          to={to('pbx.users', '/pbx/users')}
        />
        <Tile
          icon={IconWorld}
          name={t('counts.trunks')}
          value={number(counts.trunks)}
          detail={
            counts.trunks === 0
              ? t('counts.noTrunks')
              : dead === 0
                ? t('counts.trunksOk')
                : t('counts.trunksDead', { count: dead })
          }
          warn={dead > 0}
          to={to('pbx.trunks', '/pbx/trunks')}
        />
        <Tile
          icon={IconStack2}
          name={t('counts.queues')}
          value={number(counts.queues)}
          detail={t('counts.agents', { count: counts.agents })}
          to={to('pbx.queues', '/pbx/queues')}
        />
        <Tile
          icon={IconApi}
          name={t('counts.requests')}
          value={number(counts.api_requests_today)}
          detail={t('counts.sinceMidnight')}
          to={to('maintenance.api_logs', '/maintenance/api-logs')}
        />
      </ul>
    </section>
  );
}
