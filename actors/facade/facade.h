/* Inside of HemeraGateway, for its own files: gateway.c (object, signals, subscriptions), gateway-connect.c and gateway-close.c (its life),
 * gateway-sessions.c (what can be resumed, and the session file), gateway-send.c, gateway-run.c. All in the gateway's context but
 * `tree`, which other threads look at. */
#pragma once

#include "../rest/fetch.h"
#include "file-job.h"
#include "../tree/messages.h"
#include "runtime/internal.h"
#include "subscription.h"
#include "../tree/tree.h"

typedef enum {
  HEMERA_FACADE_IDLE,
  HEMERA_FACADE_LOADING,  /* files */
  HEMERA_FACADE_FETCHING, /* the API's answer */
  HEMERA_FACADE_UP,       /* the tree runs */
  HEMERA_FACADE_CLOSING,  /* it is being stopped */
  HEMERA_FACADE_DRAINING, /* it is down; subscriptions handle what was fanned out */
  HEMERA_FACADE_SAVING,
} HemeraFacadeState;

struct _HemeraGateway {
  GObject parent_instance;
  /* immutable */
  HemeraSystem *system;
  HemeraGatewayConfig config;
  GMainContext *context;
  HemeraPort *port;
  HemeraSubscribers *subscribers;
  /* any thread: the flag is held for a few instructions */
  atomic_flag busy;
  GPtrArray *subscriptions;
  /* (nullable); of the last connect. Written, and read by other threads, while `busy` is held. */
  _Atomic (HemeraTree *) tree;
  /* the context's thread */
  HemeraFacadeState state;
  gboolean primary;  /* it has the names without a suffix */
  GTask *connecting; /* (nullable) */
  GSource *cancelled;
  GTask *closing; /* (nullable) */
  HemeraCloseMode mode;
  guint drain_ms;
  gint64 drain_until;
  GSource *timer; /* (nullable): of closing and draining */
  HemeraPid fetch, root;
  guint fetch_tag;
  HemeraTrust *trust;
  gboolean *ready; /* one a slot */
  guint n_ready;
  HemeraSessionPut *sessions; /* one a slot: what the store said last */
  guint n_sessions;
  HemeraFileJob *job; /* (nullable): runs */
  gboolean job_saves;
  gboolean save_failed; /* the last one, and that was told */
  HemeraTerm *saved;    /* (nullable): what the session file holds */
  GSource *saver;
};

/* ---- gateway.c ---------------------------------------------------------------------------------------------- */
/* A handler may close the gateway: nothing after it may go on as if it had not. */
void hemera__facade_alarm (HemeraGateway *self, const char *text);
void hemera__facade_emit (HemeraGateway *self, HemeraShardMessage *message);
/* Any thread. (transfer full) (nullable) */
HemeraTree *hemera__facade_dup_tree (HemeraGateway *self);
/* Instead of the last one. @tree: (transfer full) */
void hemera__facade_take_tree (HemeraGateway *self, HemeraTree *tree);
/* Messages on their way to subscriptions. */
guint64 hemera__facade_pending (HemeraGateway *self);
GSource *
hemera__facade_timer (HemeraGateway *self, guint ms, GSourceFunc func); /* (transfer full), attached */
void hemera__facade_clear_source (GSource **source);

/* ---- gateway-connect.c -------------------------------------------------------------------------------------- */
void hemera__facade_loaded (HemeraGateway *self, HemeraFileJob *job);
void hemera__facade_fetched (HemeraGateway *self, HemeraFetchResult *result);
void hemera__facade_retrying (HemeraGateway *self, HemeraFetchRetry *retry);
void hemera__facade_heard (HemeraGateway *self, HemeraSaid *said);
/* Ends a connect that runs, if one does. @error: (transfer full) (nullable): NULL: connected */
void hemera__facade_connected (HemeraGateway *self, GError *error);
/* Ends it from inside a call of the application, which is to return before the callback comes. @error: (transfer full) */
void hemera__facade_not_connected (HemeraGateway *self, GError *error);

/* ---- gateway-close.c ----------------------------------------------------------------------------------------- */
void hemera__facade_tree_down (HemeraGateway *self, HemeraTree *tree, HemeraTerm *reason);
void hemera__facade_saved (HemeraGateway *self);
/* Without waiting: for finalize. */
void hemera__facade_kill_all (HemeraGateway *self);

/* ---- gateway-sessions.c ---------------------------------------------------------------------------------------- */
void hemera__facade_session (HemeraGateway *self, HemeraSessionPut *put);
void hemera__facade_start_sessions (HemeraGateway *self, HemeraTree *tree);
/* Tells it when what was kept is of no use to @tree. */
void hemera__facade_tell_of_other_total (HemeraGateway *self, HemeraTree *tree);
/* For the next connect, where there was one before: those that were given, or stood in the file, are old by now. */
void hemera__facade_keep_sessions (HemeraGateway *self);
/* TRUE: a save was begun; hemera__facade_saved() follows. */
gboolean hemera__facade_save (HemeraGateway *self);
void hemera__facade_job_done (HemeraGateway *self, HemeraFileDone *done);
void hemera__facade_stop_sessions (HemeraGateway *self);

/* ---- names ------------------------------------------------------------------------------------------------------- */
/* TRUE: the names without a suffix are this gateway's until they are given back. */
gboolean hemera__facade_claim_names (HemeraSystem *system);
void hemera__facade_release_names (HemeraSystem *system);
