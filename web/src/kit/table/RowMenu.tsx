import { Menu } from '@mantine/core';
import { IconDotsVertical } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { RowAction } from './columns';
import classes from './DataTable.module.css';

/** What can be done with one row. The menu itself is only made for rows where somebody asks for it. */
export function RowMenu({ actions, of }: { actions: () => readonly RowAction[]; of: string }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState(false);
  const button = (
    <button
      type="button"
      className={classes.menuButton}
      aria-label={t('table.rowActions', { row: of })}
      aria-haspopup="menu"
      onClick={() => setAsked(true)}
    >
      <IconDotsVertical size={18} aria-hidden="true" />
    </button>
  );
  if (!asked) return button;
  return (
    <Menu position="bottom-end" defaultOpened>
      <Menu.Target>{button}</Menu.Target>
      <Menu.Dropdown>
        {actions().map((action) => (
          <Menu.Item
            key={action.label}
            leftSection={action.icon}
            color={action.danger ? 'var(--mantine-color-error)' : undefined}
            disabled={action.disabled}
            onClick={action.onClick}
          >
            {action.label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
