// Evaluates JSONata expressions for the stand-in: one JSON object a line in, one out.
import { createHash, randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import jsonata from "jsonata";

// SFN guide, transforming data with JSONata: the functions it adds.
const functions = {
  parse: (text) => (text === undefined ? undefined : JSON.parse(text)),
  hash: (text, algorithm) => createHash(algorithm.replace("-", "").toLowerCase()).update(text).digest("hex"),
  partition: (values, size) =>
    Array.from({ length: Math.ceil(values.length / size) }, (_, at) => values.slice(at * size, (at + 1) * size)),
  range: (first, last, step) =>
    Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, at) => first + at * step),
  uuid: () => randomUUID(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { expression, bindings } = JSON.parse(line);
  let answer;
  try {
    const compiled = jsonata(expression);
    for (const [name, implementation] of Object.entries(functions)) compiled.registerFunction(name, implementation);
    const value = await compiled.evaluate(undefined, bindings);
    answer = typeof value === "function" ? { error: "a function is no JSON" } : { value };
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
