import { Checkbox, Skeleton, UnstyledButton } from '@mantine/core';
import { IconArrowUp } from '@tabler/icons-react';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './DataTable.module.css';
import { RowMenu } from './RowMenu';
import { type RowViewProps, useRows } from './rows';

const CARD_HEIGHT = 132;
const OVERSCAN = 6;

/** Rows as cards that scroll with the page: for phones. */
export function CardList<R>(props: RowViewProps<R>) {
  const { label, source, columns, onOpen, actions, selection } = props;
  const { t } = useTranslation();
  const list = useRef<HTMLUListElement>(null);
  const [margin, setMargin] = useState(0);
  useLayoutEffect(() => {
    const top = list.current?.getBoundingClientRect().top;
    if (top !== undefined) setMargin(top + window.scrollY);
  }, []);

  const virtualizer = useWindowVirtualizer({
    count: source.count,
    estimateSize: () => CARD_HEIGHT,
    overscan: OVERSCAN,
    scrollMargin: margin,
    gap: 8,
  });
  const items = virtualizer.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  const rows = useRows(props, first, last);

  const { setAtTop } = source;
  const latest = useRef(setAtTop);
  latest.current = setAtTop;
  useEffect(() => {
    const onScroll = () => latest.current(window.scrollY < CARD_HEIGHT);
    window.addEventListener('scroll', onScroll, { passive: true });
    return () => window.removeEventListener('scroll', onScroll);
  }, []);

  const title = columns.find((column) => column.card === 'title') ?? columns[0];
  const beside = columns.filter((column) => column.card === 'beside');
  const lines = columns.filter((column) => column !== title && column.card === undefined);

  return (
    <>
      {source.waiting > 0 && (
        <div className={classes.waiting}>
          <UnstyledButton
            className={classes.waitingButton}
            onClick={() => {
              source.showWaiting();
              window.scrollTo({ top: 0 });
            }}
          >
            <IconArrowUp size={14} aria-hidden="true" />
            {t('table.waiting', { count: source.waiting })}
          </UnstyledButton>
        </div>
      )}
      <ul
        ref={list}
        className={classes.cards}
        aria-label={label}
        data-outdated={source.outdated || undefined}
        style={{ height: virtualizer.getTotalSize() }}
      >
        {items.map((item) => {
          const row = rows.get(item.index);
          const data = row?.original.data;
          return (
            <li
              key={item.key}
              ref={virtualizer.measureElement}
              data-index={item.index}
              aria-posinset={item.index + 1}
              aria-setsize={source.total ?? -1}
              className={classes.card}
              style={{ transform: `translateY(${item.start - margin}px)` }}
            >
              {data === undefined || title === undefined ? (
                <div className={classes.cardLoading}>
                  <Skeleton height={12} width="40%" />
                  <Skeleton height={10} width="70%" />
                </div>
              ) : (
                <>
                  <div className={classes.cardTop}>
                    {selection !== null && (
                      <Checkbox
                        aria-label={t('table.chooseRow', { row: item.index + 1 })}
                        checked={row?.getIsSelected() ?? false}
                        onChange={() => row?.toggleSelected()}
                      />
                    )}
                    {onOpen === undefined ? (
                      <div className={classes.cardTitle}>{title.cell(data)}</div>
                    ) : (
                      <UnstyledButton className={classes.cardTitle} onClick={() => onOpen(data)} data-opens>
                        {title.cell(data)}
                      </UnstyledButton>
                    )}
                    {beside.map((column) => (
                      <div key={column.id} className={classes.cardBeside}>
                        {column.cell(data)}
                      </div>
                    ))}
                    {actions && (
                      <RowMenu key={row?.id} actions={() => actions(data)} of={String(item.index + 1)} />
                    )}
                  </div>
                  {lines.length > 0 && (
                    <dl className={classes.cardLines}>
                      {lines.map((column) => (
                        <div key={column.id}>
                          <dt>{column.header}</dt>
                          <dd>{column.cell(data)}</dd>
                        </div>
                      ))}
                    </dl>
                  )}
                </>
              )}
            </li>
          );
        })}
      </ul>
    </>
  );
}
