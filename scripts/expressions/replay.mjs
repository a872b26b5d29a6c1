// Evaluates what recorder.py wrote on the reference implementation of JSONata, and compares: node replay.mjs FILE
// The package jsonata is looked for where NODE_PATH or JSONATA says.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

const jsonata = createRequire(process.env.JSONATA + "/")("jsonata");
// Their value is another each time.
const RANDOM = /\$(random|uuid|millis|now)\s*\(/;

async function evaluate({ expression, states, variables }) {
  const compiled = jsonata(expression);
  compiled.registerFunction("parse", (text) => JSON.parse(text), "<s-:x>");
  const value = await compiled.evaluate(undefined, { ...variables, states });
  if (value === undefined) throw new Error("undefined");
  // Sequences are arrays with more to them.
  return JSON.parse(JSON.stringify(value));
}

const lines = readFileSync(process.argv[2], "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
const problems = [];
const tried = new Set();
for (const line of lines) {
  if (line.never) {
    problems.push(`no test evaluates: ${line.expression}`);
    continue;
  }
  tried.add(line.expression);
  let problem;
  try {
    const value = await evaluate(line);
    if ("failed" in line) problem = `gives ${JSON.stringify(value)}, and failed here: ${line.failed}`;
    else if (!RANDOM.test(line.expression) && !isDeepStrictEqual(value, line.value))
      problem = `gives ${JSON.stringify(value)}, here ${JSON.stringify(line.value)}`;
  } catch (error) {
    if (!("failed" in line)) problem = `fails (${error.message}), here ${JSON.stringify(line.value)}`;
  }
  if (problem) problems.push(`${line.expression}\n    ${problem}\n    with ${JSON.stringify([line.states, line.variables]).slice(0, 300)}`);
}
console.log([...new Set(problems)].slice(0, 20).join("\n"));
console.log(`${tried.size} expressions, ${lines.length} evaluations, ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
