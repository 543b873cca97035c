import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './style/tokens.css';
import './style/base.css';
import './style/frame.css';
import './style/parts.css';
import './style/charts.css';
import './style/pages.css';
import './style/images.css';
import './style/schema.css';
import './style/sql.css';
import './style/runs.css';
import { App } from './app.tsx';
import mark from './mark.svg';

const icon = document.createElement('link');
icon.rel = 'icon';
icon.href = mark;
document.head.append(icon);

const place = document.getElementById('app');
if (place !== null) render(<App />, place);
