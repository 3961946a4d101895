/* See supervisor-steps.h. */
#include "supervisor-steps.h"

const HemeraSupervisorSpec relaxed = { .intensity = 5, .period_ms = 5000 };

HemeraSupervisorSpec
with (HemeraStrategy strategy)
{
  HemeraSupervisorSpec spec = relaxed;

  spec.strategy = strategy;
  return spec;
}

void
start_abc (Fixture *f, HemeraStrategy strategy, HemeraRestart restart)
{
  HemeraChildSpec kids[] = { kid (f, "a", restart), kid (f, "b", restart), kid (f, "c", restart) };
  HemeraSupervisorSpec spec = with (strategy);

  start_sup (f, &spec, kids, G_N_ELEMENTS (kids));
  expect (f, "up a|up b|up c|started");
}

void
start_one (Fixture *f, HemeraSupervisorSpec spec, HemeraChildSpec child, const char *expected)
{
  start_sup (f, &spec, &child, 1);
  expect (f, expected);
}

void
which (Fixture *f, const char *expected)
{
  ask (f, f->sup, hemera_supervisor_which_children ());
  expect (f, expected);
}

void
count (Fixture *f, const char *expected)
{
  ask (f, f->sup, hemera_supervisor_count_children ());
  expect (f, expected);
}

void
terminate_child (Fixture *f, const char *id, const char *expected)
{
  ask (f, f->sup, hemera_supervisor_terminate_child (id));
  expect (f, expected);
}

void
restart_child (Fixture *f, const char *id, const char *expected)
{
  ask (f, f->sup, hemera_supervisor_restart_child (id));
  expect (f, expected);
}

void
delete_child (Fixture *f, const char *id, const char *expected)
{
  ask (f, f->sup, hemera_supervisor_delete_child (id));
  expect (f, expected);
}

void
start_child (Fixture *f, HemeraChildSpec child, const char *expected)
{
  ask (f, f->sup, hemera_supervisor_start_child (&child));
  kid_spec_clear (&child);
  expect (f, expected);
}

void
stop_sup (Fixture *f, const char *expected)
{
  exit_from_parent (f, f->sup, "shutdown");
  expect (f, expected);
}
