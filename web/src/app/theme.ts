import {
  type CSSVariablesResolver,
  createTheme,
  type MantineColorSchemeManager,
  type MantineColorsTuple,
} from '@mantine/core';
import { remember, remembered } from './storage';

/** The brand's colour. Shade 7 carries white text, shade 9 is text on shade 0 (both AA). */
const tamas: MantineColorsTuple = [
  '#e7f6f8',
  '#cfebf0',
  '#a1d7e0',
  '#70c1cf',
  '#4aaebf',
  '#2d97aa',
  '#1a8598',
  '#0e7285',
  '#0a5b6b',
  '#06414d',
];

const SYSTEM_FONTS =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif';

export const theme = createTheme({
  primaryColor: 'tamas',
  primaryShade: { light: 7, dark: 7 },
  colors: { tamas },
  fontFamily: `var(--tamas-script-font) ${SYSTEM_FONTS}`,
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: {
    fontFamily: `var(--tamas-script-font) ${SYSTEM_FONTS}`,
    fontWeight: '650',
    sizes: {
      h1: { fontSize: '1.375rem', lineHeight: '1.35' },
      h2: { fontSize: '1.0625rem', lineHeight: '1.4' },
      h3: { fontSize: '0.9375rem', lineHeight: '1.45' },
    },
  },
  // Every distance on screen is one of these: multiples of 4 px.
  spacing: { '2xs': '4px', xs: '8px', sm: '12px', md: '16px', lg: '24px', xl: '32px', '2xl': '48px' },
  radius: { xs: '4px', sm: '6px', md: '8px', lg: '12px', xl: '16px' },
  defaultRadius: 'sm',
  fontSizes: { xs: '0.75rem', sm: '0.875rem', md: '0.9375rem', lg: '1.0625rem', xl: '1.25rem' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  focusRing: 'auto',
  components: {
    // What a field is for stands below it, next to what is wrong with it.
    InputWrapper: { defaultProps: { inputWrapperOrder: ['label', 'input', 'error', 'description'] } },
    Loader: { defaultProps: { color: 'var(--tamas-focus)' } },
    Modal: { defaultProps: { centered: true, radius: 'md', overlayProps: { backgroundOpacity: 0.45 } } },
    Drawer: { defaultProps: { overlayProps: { backgroundOpacity: 0.45 } } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 300, multiline: true, maw: 320 } },
    // The element that would take the focus at first is none that a menu may have.
    Menu: { defaultProps: { shadow: 'md', withinPortal: true, withInitialFocusPlaceholder: false } },
    // What is offered scrolls as the list that it is, which a field stands for and the keyboard moves in.
    Select: {
      defaultProps: {
        allowDeselect: false,
        checkIconPosition: 'right',
        comboboxProps: { shadow: 'md' },
        withScrollArea: false,
      },
    },
    Autocomplete: { defaultProps: { comboboxProps: { shadow: 'md' }, withScrollArea: false } },
    TagsInput: { defaultProps: { comboboxProps: { shadow: 'md' }, withScrollArea: false } },
    // Smaller buttons have letters of the same size.
    Button: {
      vars: (_: unknown, { size }: { size?: unknown }) => ({
        root: size === 'compact-md' ? { '--button-fz': 'var(--mantine-font-size-sm)' } : {},
      }),
    },
  },
});

/** Colours whose own value in Mantine is too faint on our backgrounds, and our surfaces. */
export const cssVariables: CSSVariablesResolver = (of) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': of.colors.gray[7],
    '--mantine-color-placeholder': '#687078',
    '--mantine-color-disabled-color': '#687078',
    '--mantine-color-error': of.colors.red[9],
    '--mantine-color-anchor': of.colors.tamas?.[8] ?? '',
    '--tamas-focus': of.colors.tamas?.[7] ?? '',
    '--tamas-page': '#f4f6f8',
    '--tamas-surface': '#ffffff',
    '--tamas-sunken': '#f7f9fa',
    '--tamas-line': '#dee3e7',
    '--tamas-hover': '#eef3f5',
    '--tamas-chosen': of.colors.tamas?.[0] ?? '',
    '--tamas-chosen-text': of.colors.tamas?.[8] ?? '',
  },
  dark: {
    '--mantine-color-dimmed': '#a6adb4',
    '--mantine-color-placeholder': '#9ba3ab',
    '--mantine-color-disabled-color': '#9ba3ab',
    '--mantine-color-error': of.colors.red[4],
    '--mantine-color-anchor': of.colors.tamas?.[3] ?? '',
    '--mantine-color-body': '#1b1f23',
    '--mantine-color-tamas-light': '#11343c',
    '--mantine-color-tamas-light-hover': '#16424c',
    '--mantine-color-tamas-light-color': of.colors.tamas?.[1] ?? '',
    '--tamas-focus': of.colors.tamas?.[4] ?? '',
    '--tamas-page': '#15181b',
    '--tamas-surface': '#1b1f23',
    '--tamas-sunken': '#181c1f',
    '--tamas-line': '#343a40',
    '--tamas-hover': '#252a2f',
    '--tamas-chosen': '#11343c',
    '--tamas-chosen-text': of.colors.tamas?.[2] ?? '',
  },
});

/** Keeps the colour scheme where `first.js` looks for it. */
export const schemeManager: MantineColorSchemeManager = {
  get: (otherwise) => {
    const value = remembered('scheme');
    return value === 'light' || value === 'dark' || value === 'auto' ? value : otherwise;
  },
  set: (value) => remember('scheme', value),
  subscribe: () => {},
  unsubscribe: () => {},
  clear: () => {},
};
