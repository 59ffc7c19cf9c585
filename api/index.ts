export { createToken, listTokens, revokeToken, revokeTokenId, type TokenInfo, tokenIdOf } from "./auth.ts";
export { type ApiHandle, type ApiOptions, startApi } from "./server.ts";
