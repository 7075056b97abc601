import type { DefaultMantineColor, DefaultMantineSize, MantineColorsTuple } from '@mantine/core';

declare module '@mantine/core' {
  export interface MantineThemeColorsOverride {
    colors: Record<'tamas' | DefaultMantineColor, MantineColorsTuple>;
  }
  export interface MantineThemeSizesOverride {
    spacing: Record<'2xs' | DefaultMantineSize | '2xl', string>;
  }
}
