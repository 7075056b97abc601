import { Button, Tabs } from '@mantine/core';
import { IconHistory, IconPhoneCall, IconPhonePlus } from '@tabler/icons-react';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { useMay } from '@/app/session/session';
import { ConfirmDialog } from '@/kit/dialogs/ConfirmDialog';
import { useDrawer } from '@/kit/drawer';
import { PageHeader } from '@/kit/PageHeader';
import { useWrite } from '@/kit/write';
import { CallDrawer } from './CallDrawer';
import classes from './calls.module.css';
import { InProgress } from './InProgress';
import { type LiveCall, useLiveCalls } from './live';
import { NewCall } from './NewCall';
import { Recent } from './Recent';

const TABS = ['now', 'recent'] as const;

/** Calls in progress, calls that are over, and starting one. */
export default function Calls() {
  const { t } = useTranslation('calls');
  const may = useMay();
  const live = useLiveCalls();
  const [params, setParams] = useSearchParams();
  const tab = TABS.find((one) => one === params.get('tab')) ?? 'now';
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
      <Tabs
        value={tab}
        // Search and filters of one tab mean nothing in the other.
        onChange={(next) => setParams(next === 'recent' ? { tab: next } : {}, { replace: true })}
        classNames={{ root: classes.tabs, panel: classes.panel }}
        keepMounted={false}
      >
        <Tabs.List>
          <Tabs.Tab value="now" leftSection={<IconPhoneCall size={16} aria-hidden="true" />}>
            {t('tab.now', { count: live.count })}
          </Tabs.Tab>
          <Tabs.Tab value="recent" leftSection={<IconHistory size={16} aria-hidden="true" />}>
            {t('tab.recent')}
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="now">
          <InProgress live={live} newCall={newCall} onOpen={openCall} onHangUp={setAsked} />
        </Tabs.Panel>
        <Tabs.Panel value="recent">
          <Recent onOpen={(record) => open(record.call_id)} />
        </Tabs.Panel>
      </Tabs>
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
