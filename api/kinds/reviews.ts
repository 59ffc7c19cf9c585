// Questions that users ask about themselves. They are answered at once, and never kept.
import { VIEW_RESOURCES } from "../../schemas/resources.ts";
import { type Kind, PLAIN } from "../kind.ts";

const question = {
  ...PLAIN,
  verbs: ["create"],
  reads: "none",
} as const satisfies Partial<Kind>;

export const selfsubjectaccessreviews: Kind = {
  ...question,
  resource: VIEW_RESOURCES.selfsubjectaccessreviews,
  description: "Asks whether the user who sends it may do something.",
  schema: "selfsubjectaccessreview",
};

export const selfsubjectrulesreviews: Kind = {
  ...question,
  resource: VIEW_RESOURCES.selfsubjectrulesreviews,
  description: "Asks for everything that the user who sends it may do.",
  schema: "selfsubjectrulesreview",
};

export const selfsubjectreviews: Kind = {
  ...question,
  resource: VIEW_RESOURCES.selfsubjectreviews,
  description: "Asks who the user that sends it is.",
  schema: "selfsubjectreview",
};
