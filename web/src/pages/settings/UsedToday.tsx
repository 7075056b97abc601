import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormAround } from '@/kit/form/form';
import { StateBadge, type Tone } from '@/kit/StateBadge';
import { Code } from '@/kit/text/Code';
import { Name } from '@/kit/text/Name';
import { TimeText } from '@/kit/text/TimeText';
import classes from './settings.module.css';
import type { LockedOut, UsedAddress, Values } from './values';

/** So many are shown at first. */
const FIRST = 8;

type Standing = 'allowed' | 'lost' | 'pending' | 'refused';

const TONES: Record<Standing, Tone> = { allowed: 'ok', lost: 'warn', pending: 'info', refused: 'bad' };

export interface UsedTodayProps {
  used: readonly UsedAddress[];
  lockedOut: readonly LockedOut[];
  mayUpdate: boolean;
}

/** Who called the Simotel API today and from where, and whether they could once the form is saved. */
export function UsedToday({ used, lockedOut, mayUpdate }: UsedTodayProps) {
  const { t } = useTranslation('settings');
  const form = useFormAround();
  const { allow_all_ips: everybody, allowed_ips: addresses } = form.values as Values;
  const [all, setAll] = useState(false);
  const lost = new Set(lockedOut.map((one) => one.address));
  const standingOf = ({ address, allowed }: UsedAddress): Standing => {
    if (allowed) return lost.has(address) ? 'lost' : 'allowed';
    return everybody || addresses.includes(address) ? 'pending' : 'refused';
  };
  return (
    <section aria-label={t('usedToday')}>
      <h4 className={classes.heading}>{t('usedToday')}</h4>
      {used.length === 0 ? (
        <p className={classes.quiet}>{t('usedNobody')}</p>
      ) : (
        <ul className={classes.used}>
          {(all ? used : used.slice(0, FIRST)).map((one) => {
            const standing = standingOf(one);
            return (
              <li key={`${one.address} ${one.account}`} className={classes.usedRow}>
                <div className={classes.who}>
                  <Code>{one.address}</Code>
                  {one.account === null ? (
                    <span className={classes.quiet}>{t('usedUnknown')}</span>
                  ) : (
                    <Name>{one.account}</Name>
                  )}
                </div>
                <div className={classes.quiet}>
                  {t('usedRequests', { count: one.requests })} · <TimeText at={one.last_at} as="relative" />
                </div>
                <div className={classes.standing}>
                  <StateBadge
                    tone={TONES[standing]}
                    label={t(`standing.${standing}`)}
                    hint={t(`standingHint.${standing}`)}
                  />
                  {mayUpdate && (standing === 'refused' || standing === 'lost') && (
                    <Button
                      variant="light"
                      size="compact-sm"
                      leftSection={<IconPlus size={14} aria-hidden="true" />}
                      aria-label={t('addToAllowedOf', { address: one.address })}
                      disabled={addresses.includes(one.address)}
                      onClick={() => form.set('allowed_ips', [...addresses, one.address])}
                    >
                      {t('addToAllowed')}
                    </Button>
                  )}
                </div>
              </li>
            );
          })}
        </ul>
      )}
      {used.length > FIRST && (
        <Button variant="subtle" size="compact-sm" mt="xs" onClick={() => setAll(!all)}>
          {all ? t('usedFewer') : t('usedAll', { count: used.length })}
        </Button>
      )}
    </section>
  );
}
