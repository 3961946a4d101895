/* What the files of this folder share. A HemeraLink is one logical connection from url to end: it looks the name up, dials the addresses
 * one after the other, owns the deadline, and turns lws' callbacks into the few events of its class (websocket or GET). A HemeraAttempt is
 * one lws wsi: it outlives its link when the link is aborted, and is freed by the last callback of all, WSI_DESTROY.
 *
 * lws forbids much inside its callbacks (a synchronous kill, stopping the flow). net->depth says whether one is running; what must wait is
 * marked on the link and done by net->chores, a GSource outside of lws. */
#pragma once

#include "runtime/net/net.h"

#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <uv.h>

/* ---- url.c -------------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  char *host;      /* ASCII, no brackets: for the look-up, SNI and the certificate */
  char *authority; /* the Host header: with brackets and a port that is not the scheme's own */
  char *path;      /* with the query, starts with '/' */
  guint16 port;
  gboolean tls;
  gboolean numeric; /* host is an IP address */
} HemeraUrl;

/* @websocket: ws and wss, otherwise http and https. NULL with HEMERA_NET_ERROR_URL; the message never repeats the url. */
HemeraUrl *hemera__url_parse (const char *text, gboolean websocket, GError **error);
void hemera__url_free (HemeraUrl *self);
/* TRUE when @value may stand as the value of a request header: printable ASCII, at most 1024 bytes. */
gboolean hemera__header_is_clean (const char *value);

/* ---- uv-source.c -------------------------------------------------------------------------------------------------------------------- */

/* A GSource (not attached, transfer full) that runs @loop for @net. */
GSource *hemera__uv_source_new (HemeraNet *net, uv_loop_t *loop);

/* ---- tls.c -------------------------------------------------------------------------------------------------------------------------- */

/* The process' client SSL_CTX, made by the first user and freed by the last. Callers hold the creation lock of net.c. */
SSL_CTX *hemera__tls_acquire (GError **error);
void hemera__tls_release (void);

/* ---- link.c ------------------------------------------------------------------------------------------------------------------------- */

typedef struct _HemeraLink HemeraLink;
typedef struct _HemeraAttempt HemeraAttempt;

typedef struct {
  /* (nullable) The name is known. Outside of lws. May abort the link. */
  void (*resolved) (HemeraLink *self);
  /* One of lws' callbacks. Non-zero ends the connection. May abort the link, which then must not be touched any more. */
  int (*event) (HemeraLink *self, struct lws *wsi, enum lws_callback_reasons reason, void *in, gsize size);
  /* (nullable) Reading is to stop or to go on. Outside of lws. */
  void (*flow) (HemeraLink *self);
  /* The last: no wsi is left, or the net goes away and @abandoned is TRUE. Outside of lws. The link is the class' to free. */
  void (*over) (HemeraLink *self, gboolean abandoned);
} HemeraLinkClass;

enum {
  HEMERA_TODO_START = 1 << 0,
  HEMERA_TODO_KILL = 1 << 1,
  HEMERA_TODO_NEXT = 1 << 2,
  HEMERA_TODO_FLOW = 1 << 3,
  HEMERA_TODO_OVER = 1 << 4,
};

typedef enum {
  HEMERA_PHASE_RESOLVE,
  HEMERA_PHASE_TCP,
  HEMERA_PHASE_TLS,
  HEMERA_PHASE_HTTP,
  HEMERA_PHASE_UP,
  HEMERA_PHASE_OVER,
} HemeraPhase;

struct _HemeraLink {
  HemeraNet *net;
  const HemeraLinkClass *klass;
  const char *method; /* NULL: a websocket */
  HemeraUrl *url;
  HemeraTrust *trust;
  char *user_agent;
  char *authorization; /* secret */
  HemeraPhase phase;
  gboolean ending; /* killed by us: no further address */
  guint todo;
  GList node;      /* in net->links */
  GList due_node;  /* in net->due, while todo != 0 */
  GList wait_node; /* in a look-up's waiters */
  struct _HemeraLookup *lookup;
  GList *addresses; /* GInetAddress not tried yet */
  char *address;    /* the one tried now, as text */
  HemeraAttempt *attempt;
  GSource *deadline; /* for everything up to phase UP, or longer if the class wants */
  GSource *patience; /* for TCP to this address */
  gint64 deadline_us;
  guint timeout_ms;
  GError *error;    /* why it ended; the first one counts */
  GError *refusal;  /* why the last address failed */
  char *tls_reason; /* what the certificate check or an alert said */
};

struct _HemeraAttempt {
  HemeraLink *link; /* NULL: aborted */
  struct lws *wsi;
  GList node; /* in net->attempts */
  HemeraNet *net;
  gboolean doomed; /* to be killed by the chores */
  gboolean closed; /* lws is through with it, only WSI_DESTROY is to come */
  gboolean destroyed;
  gboolean dialling; /* inside lws_client_connect_via_info() */
};

/* Takes @url. Everything starts from the loop, never inside this call. */
void hemera__link_init (HemeraLink *self, HemeraNet *net, const HemeraLinkClass *klass, const char *method,
                        HemeraUrl *url, HemeraTrust *trust, const char *user_agent, guint timeout_ms);
void hemera__link_clear (HemeraLink *self);
/* Ends the link: over() comes later from the loop. @error (nullable) (transfer full) is kept if it is the first. From anywhere on the thread. */
void hemera__link_end (HemeraLink *self, GError *error);
/* No event comes any more and nothing of lws refers to the link: it may be freed. From anywhere on the thread. */
void hemera__link_detach (HemeraLink *self);
/* The protocol is established: the deadline is disarmed if @disarm. */
void hemera__link_is_up (HemeraLink *self, gboolean disarm);
void hemera__link_todo (HemeraLink *self, guint todo);
void hemera__link_work (HemeraLink *self);
/* The look-up's answer: @addresses (transfer full), or NULL and @error (transfer full). */
void hemera__link_resolved (HemeraLink *self, GList *addresses, GError *error);
/* lws' text made fit for an error message. */
char *hemera__link_text (const void *in, gsize size);
int
hemera__link_callback (struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size);
void hemera__attempt_kill (HemeraAttempt *self);
/* The link behind a socket of the net that runs now on this thread; NULL if there is none. */
HemeraLink *hemera__link_of_fd (int fd);

/* ---- resolve.c ---------------------------------------------------------------------------------------------------------------------- */

typedef struct _HemeraLookup HemeraLookup;

/* hemera__link_resolved() comes from the loop. */
void hemera__lookup_join (HemeraLink *link);
/* The look-up goes on without the link: its thread is busy anyway, and the next link of that host joins it. */
void hemera__lookup_leave (HemeraLink *link);
void hemera__lookup_free (gpointer lookup);

/* ---- net.c -------------------------------------------------------------------------------------------------------------------------- */

struct _HemeraNet {
  GMainContext *context;
  uv_loop_t loop;
  GSource *uv;
  GSource *chores;
  struct lws_context *lws;
  int pipe_fd;         /* lws' eventfd */
  guint depth;         /* of calls into lws */
  GQueue links;        /* every HemeraLink */
  GQueue due;          /* those with something to do outside of lws */
  GQueue attempts;     /* every HemeraAttempt */
  guint doomed;        /* attempts to be killed outside of lws */
  GHashTable *lookups; /* host -> HemeraLookup, in flight */
  gboolean closing;
  gboolean busy; /* doing chores */
};

/* Around everything that may run lws' callbacks. Returns what leave() wants back. */
HemeraNet *hemera__net_enter (HemeraNet *self);
void hemera__net_leave (HemeraNet *self, HemeraNet *before);
HemeraNet *hemera__net_current (void);
void hemera__net_chore (HemeraNet *self);
/* A one-shot timer in the net's context (transfer full); @func returns G_SOURCE_REMOVE. */
GSource *hemera__net_timer (HemeraNet *self, guint ms, GSourceFunc func, gpointer user_data);
void hemera__source_clear (GSource **source);
