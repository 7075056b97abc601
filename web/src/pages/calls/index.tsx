import { Button } from '@mantine/core';
import { IconHistory, IconPhoneCall, IconPhonePlus } from '@tabler/icons-react';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/app/session/session';
import { ConfirmDialog } from '@/kit/dialogs/ConfirmDialog';
import { useDrawer } from '@/kit/drawer';
import { PageHeader } from '@/kit/PageHeader';
import { PageTabs, useTab } from '@/kit/PageTabs';
import { useWrite } from '@/kit/write';
import { CallDrawer } from './CallDrawer';
import { InProgress } from './InProgress';
import { type LiveCall, useLiveCalls } from './live';
import { NewCall } from './NewCall';
import { Recent } from './Recent';

/** Calls in progress, calls that are over, and starting one. */
export default function Calls() {
  const { t } = useTranslation('calls');
  const may = useMay();
  const live = useLiveCalls();
  const [tab, setTab] = useTab(['now', 'recent']);
  const adding = useDrawer('add');
  const opened = useDrawer('call');
  const [started, setStarted] = useState<string | null>(null);
  const [asked, setAsked] = useState<LiveCall | null>(null);
  const { open } = opened;
  const openCall = useCallback((call: LiveCall) => open(call.id), [open]);

  const newCall = may('calls', 'update') && (
    <Button leftSection={<IconPhonePlus size={16} aria-hidden="true" />} onClick={() => adding.open('1')}>
      {t('newCall')}
    </Button>
  );
  return (
    <>
      <PageHeader>{newCall}</PageHeader>
      <PageTabs
        value={tab}
        onChange={setTab}
        tabs={[
          { id: 'now', label: t('tab.now', { count: live.count }), icon: IconPhoneCall },
          { id: 'recent', label: t('tab.recent'), icon: IconHistory },
        ]}
      >
        {tab === 'now' ? (
          <InProgress live={live} newCall={newCall} onOpen={openCall} onHangUp={setAsked} />
        ) : (
          <Recent onOpen={(record) => open(record.call_id)} />
        )}
      </PageTabs>
      {adding.value !== null && may('calls', 'update') && (
        <NewCall
          onClose={adding.close}
          onStarted={(id) => {
            setStarted(id);
            open(id, 'add');
          }}
        />
      )}
      {opened.value !== null && (
        <CallDrawer
          key={opened.value}
          id={opened.value}
          live={live.find(opened.value)}
          starting={started === opened.value}
          onHangUp={setAsked}
          onClose={opened.close}
        />
      )}
      <HangUp call={asked} onClose={() => setAsked(null)} />
    </>
  );
}

/** Asks before a call is ended. */
function HangUp({ call, onClose }: { call: LiveCall | null; onClose: () => void }) {
  const { t } = useTranslation('calls');
  const hangUp = useWrite('/calls/hang_up', { done: t('hangUp.done'), onDone: onClose, onFailed: onClose });
  const parties =
    call === null
      ? ''
      : [call.caller, call.callee]
          .map((party) => party?.number)
          .filter(Boolean)
          .join(' – ');
  return (
    <ConfirmDialog
      opened={call !== null}
      title={t('hangUp.title', { parties })}
      confirm={t('hangUp.action')}
      danger
      busy={hangUp.isPending}
      onConfirm={() => call !== null && hangUp.mutate({ id: call.id })}
      onClose={onClose}
    >
      {t('hangUp.text')}
    </ConfirmDialog>
  );
}
