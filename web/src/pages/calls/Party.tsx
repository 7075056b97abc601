import { IconArrowRight, IconPhone, IconUser, IconWorld } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Nothing } from '@/kit/KeyValue';
import { StateBadge } from '@/kit/StateBadge';
import { Name } from '@/kit/text/Name';
import { PhoneNumber } from '@/kit/text/PhoneNumber';
import classes from './calls.module.css';
import type { LiveParty } from './live';
import { PARTY_LOOKS } from './words';

const ICONS = { extension: IconPhone, trunk: IconWorld, other: IconUser };

/** One end of a call on one line: kind, number, name. */
export function PartyLine({ party }: { party: LiveParty | null }) {
  const kind = useKind();
  if (party === null) return <Nothing />;
  const Icon = ICONS[party.kind];
  return (
    <span className={classes.party} title={kind(party)}>
      <Icon size={16} stroke={1.75} aria-hidden="true" />
      <PhoneNumber>{party.number}</PhoneNumber>
      {party.name !== '' && (
        <span className={classes.partyName}>
          <Name>{party.name}</Name>
        </span>
      )}
    </span>
  );
}

/** Both ends of a call as a title. */
export function Between({ caller, callee }: { caller: string; callee: string }) {
  return (
    <span className={classes.between}>
      <PhoneNumber>{caller}</PhoneNumber>
      {callee !== '' && (
        <>
          <IconArrowRight size={18} className="mirrored" aria-hidden="true" />
          <PhoneNumber>{callee}</PhoneNumber>
        </>
      )}
    </span>
  );
}

export interface PartyCardProps {
  /** "Caller" or "Called". */
  role: string;
  number: string;
  name: string;
  /** Extension, trunk; empty: not known. */
  kind?: string;
  live?: LiveParty;
  /** The call has ended: nobody is in it any more. */
  over?: boolean;
}

/** One end of a call in its drawer. */
export function PartyCard({ role, number, name, kind, live, over = false }: PartyCardProps) {
  const { t } = useTranslation('calls');
  const Icon = live === undefined ? IconUser : ICONS[live.kind];
  return (
    <section className={classes.card} aria-label={role}>
      <div className={classes.cardRole}>
        <Icon size={16} stroke={1.75} aria-hidden="true" />
        {role}
      </div>
      <div className={classes.cardNumber}>
        {number === '' ? <Nothing /> : <PhoneNumber>{number}</PhoneNumber>}
      </div>
      {name !== '' && (
        <div className={classes.cardName}>
          <Name>{name}</Name>
        </div>
      )}
      {kind !== undefined && <div className={classes.cardKind}>{kind}</div>}
      {live !== undefined && !over && (
        <div>
          <StateBadge {...PARTY_LOOKS[live.state]} label={t(`partyState.${live.state}`)} />
        </div>
      )}
    </section>
  );
}

/** What kind of party it is, with its trunk. */
export function useKind(): (party: LiveParty) => string {
  const { t } = useTranslation('calls');
  return ({ kind, trunk }) =>
    kind === 'trunk' && trunk !== null ? t('kind.trunkNamed', { trunk }) : t(`kind.${kind}`);
}
