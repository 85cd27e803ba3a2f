// What the page draws with, of Observable Plot; see README.md beside it.
export {areaY} from "./node_modules/@observablehq/plot/src/marks/area.js";
export {axisX, axisY, gridY} from "./node_modules/@observablehq/plot/src/marks/axis.js";
export {barX} from "./node_modules/@observablehq/plot/src/marks/bar.js";
export {lineY} from "./node_modules/@observablehq/plot/src/marks/line.js";
export {rectY} from "./node_modules/@observablehq/plot/src/marks/rect.js";
export {ruleX, ruleY} from "./node_modules/@observablehq/plot/src/marks/rule.js";
export {text} from "./node_modules/@observablehq/plot/src/marks/text.js";
export {tip} from "./node_modules/@observablehq/plot/src/marks/tip.js";
export {pointerX} from "./node_modules/@observablehq/plot/src/interactions/pointer.js";
export {plot} from "./node_modules/@observablehq/plot/src/plot.js";
