import { Component, type ErrorInfo, type ReactNode } from "react";
import { Failure } from "./PanelState";

/** Keep what fails in its own place: a broken panel must not take the map with it. */
export class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error(error, info.componentStack);
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return <div className="broken"><Failure error={error} retry={() => this.setState({ error: null })} /></div>;
  }
}
