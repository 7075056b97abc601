import { Component, type ReactNode } from 'react';
import { Crash } from './Crash';

interface Props {
  children: ReactNode;
  /** The frame around pages is inside, too: nothing is left around what is shown instead. */
  alone?: boolean;
}

/** Keeps what fails while it is drawn from taking everything else with it. */
export class ErrorBoundary extends Component<Props, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error: error ?? new Error('unknown') };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return (
      <Crash
        error={this.state.error}
        alone={this.props.alone}
        onLeave={() => this.setState({ error: null })}
      />
    );
  }
}
