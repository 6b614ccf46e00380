// run.mjs - node run.mjs BIN_DIR FILE [PART_OF_A_NAME]: the tests of one file.

import { runTests } from "./harness.mjs";

const [bin, file, only] = process.argv.slice(2);
const { tests, args } = await import(file);
process.exit((await runTests(bin, tests, only, args)) > 0 ? 1 : 0);
