import { Tabs } from '@mantine/core';
import type { ComponentType, ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import classes from './PageTabs.module.css';

/**
 * Which part of a page is shown, kept in the address: `const [tab, setTab] = useTab(['now', 'recent'])`. The first
 * one is shown when the address names none.
 */
export function useTab<T extends string>(ids: readonly [T, ...T[]]): readonly [T, (id: T) => void] {
  const [params, setParams] = useSearchParams();
  const [first] = ids;
  const tab = ids.find((id) => id === params.get('tab')) ?? first;
  // Searches, filters and drawers of one part mean nothing in the others.
  return [tab, (id) => setParams(id === first ? {} : { tab: id }, { replace: true })];
}

export interface PageTab<T extends string> {
  id: T;
  label: string;
  icon: ComponentType<{ size?: number | string; 'aria-hidden'?: 'true' }>;
}

export interface PageTabsProps<T extends string> {
  value: T;
  onChange: (id: T) => void;
  tabs: readonly PageTab<T>[];
  /** What the chosen one shows. */
  children: ReactNode;
}

/** Parts of a page of which one is shown. */
export function PageTabs<T extends string>({ value, onChange, tabs, children }: PageTabsProps<T>) {
  return (
    <Tabs
      value={value}
      onChange={(id) => onChange(id as T)}
      classNames={{ root: classes.tabs, panel: classes.panel }}
    >
      <Tabs.List>
        {tabs.map(({ id, label, icon: Icon }) => (
          <Tabs.Tab key={id} value={id} leftSection={<Icon size={16} aria-hidden="true" />}>
            {label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel key={value} value={value}>
        {children}
      </Tabs.Panel>
    </Tabs>
  );
}
