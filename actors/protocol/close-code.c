/* What a close of the gateway means: may the session be resumed, must a new one be made, or is it for good; and the sentence a person
 * needs. One table. Sources: "Opcodes and Status Codes" for the codes and for what may reconnect; which of those keep their session is
 * documented for 4007 and 4009 only, the rest is practice. A code that is not in the table, or none, keeps the session. */
#include "machine.h"

typedef struct {
  guint code;
  HemeraClosePolicy policy;
  const char *explanation;
} CloseCode;

static const CloseCode table[] = {
  { 0, HEMERA_CLOSE_RESUME, "the connection was lost without a close code" },
  { 1000, HEMERA_CLOSE_RESUME, "the gateway closed the connection normally" },
  { 1001, HEMERA_CLOSE_RESUME, "the gateway, or a proxy before it, is going away" },
  { 4000, HEMERA_CLOSE_RESUME, "unknown error at the gateway" },
  { 4001, HEMERA_CLOSE_RESUME,
    "unknown opcode, or a payload that is not valid for its opcode: check what was sent" },
  { 4002, HEMERA_CLOSE_RESUME,
    "the gateway could not decode a payload, or it was over 4096 bytes: check what was sent" },
  { 4003, HEMERA_CLOSE_NEW_SESSION, "a payload came before the identify, or the session is no longer valid" },
  { 4004, HEMERA_CLOSE_FATAL,
    "authentication failed: the token is not accepted; check it, or make a new one in the developer portal" },
  { 4005, HEMERA_CLOSE_NEW_SESSION, "more than one identify on a connection" },
  { 4006, HEMERA_CLOSE_NEW_SESSION, "the session is no longer valid" },
  { 4007, HEMERA_CLOSE_NEW_SESSION, "the sequence number of the resume was not valid" },
  { 4008, HEMERA_CLOSE_RESUME, "rate limited: payloads were sent too quickly" },
  { 4009, HEMERA_CLOSE_NEW_SESSION, "the session timed out" },
  { 4010, HEMERA_CLOSE_FATAL,
    "invalid shard: the shard id or the number of shards is not accepted; check the shard ids and the "
    "total" },
  { 4011, HEMERA_CLOSE_FATAL,
    "sharding required: a shard has too many guilds; start with more shards in total" },
  { 4012, HEMERA_CLOSE_FATAL, "invalid API version: this version of the gateway is no longer served" },
  { 4013, HEMERA_CLOSE_FATAL,
    "invalid intents: a bit of the intents has no meaning; check how they were calculated" },
  { 4014, HEMERA_CLOSE_FATAL,
    "disallowed intents: a privileged intent is not enabled for the bot; enable it in the developer portal, "
    "or leave it out" },
};

static const CloseCode *
find (guint code)
{
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    if (table[i].code == code)
      return &table[i];
  return NULL;
}

HemeraClosePolicy
hemera__close_code_policy (guint code)
{
  const CloseCode *entry = find (code);

  return entry != NULL ? entry->policy : HEMERA_CLOSE_RESUME;
}

const char *
hemera__close_code_explain (guint code)
{
  const CloseCode *entry = find (code);

  return entry != NULL ? entry->explanation
                       : "the gateway closed the connection with a code that is not documented";
}
