/** The browser's history, which can hold somebody back from leaving what is not saved. */
import { createBrowserHistory } from 'history';

export const history = createBrowserHistory();
