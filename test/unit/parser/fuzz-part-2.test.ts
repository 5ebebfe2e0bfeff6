import { fuzzPart } from "./helpers/fuzz.ts";

fuzzPart(1, 2);
