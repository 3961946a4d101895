/* A network without a network: what runtime/net/net.h declares, for simulated systems. A program that is linked with sim-net.c gets these
 * websockets and GETs in place of the real ones. Nothing happens by itself: the test opens sockets, reads what was sent, delivers frames
 * and ends connections, one step at a time, and in the turn of an actor of its own, so between the turns of all others. */
#pragma once

#include "runtime/internal.h"
#include "runtime/net/net.h"

typedef enum { SIM_DIALING, SIM_OPEN, SIM_CLOSING, SIM_OVER } SimStage;

struct _HemeraWebsocket {
  const HemeraWebsocketEvents *events;
  gpointer user_data;
  char *url;
  HemeraPid shard, supervisor; /* who connects, and its parent */
  SimStage stage;
  gboolean resolved, paused, drained; /* drained: all that was sent is in the kernel */
  guint close_code;                   /* of the client's close; 0: none */
  GQueue sent;                        /* GBytes, of the client, that the other side has not read */
  GQueue frames;     /* GBytes, of the other side, that the client has not got; a NULL: it closes there */
  guint frames_code; /* the code of that close */
  gpointer peer;     /* the other side's own */
  gboolean busy;     /* in a callback of it */
};

typedef struct {
  GPtrArray *sockets; /* HemeraWebsocket that are not over */
  GPtrArray *gets;    /* GTask of GETs that wait for an answer */
  HemeraPid getter;   /* the actor of the last GET */
  /* (nullable): each message of the client as it is sent; the client's close; and the end, however it comes */
  void (*on_sent) (HemeraWebsocket *socket, GBytes *data, gpointer data_);
  void (*on_over) (HemeraWebsocket *socket, gpointer data);
  gpointer data;
} SimNet;

/* The one that sockets are made in. */
extern SimNet *sim_net;
SimNet *sim_net_new (void);
void sim_net_free (SimNet *self);

/* Each is one callback of the client, or nothing when the stage does not allow it. FALSE: the socket is gone. */
gboolean sim_socket_resolve (HemeraWebsocket *self);
gboolean sim_socket_open (HemeraWebsocket *self);
gboolean sim_socket_drain (HemeraWebsocket *self);
/* The first of @frames; nothing while the client does not read. */
gboolean sim_socket_deliver (HemeraWebsocket *self);
/* @code: close code of the peer; 0: a reset, or refused. */
void sim_socket_end (HemeraWebsocket *self, guint code);
/* Answers the @index-th GET. @body: (nullable): NULL: with an error */
void sim_net_answer (SimNet *self, guint index, guint status, const char *body);
