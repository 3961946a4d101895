/* Hemera: everything. */
#pragma once

#include <hemera/actor-message.h>
#include <hemera/actor.h>
#include <hemera/enum-types.h>
#include <hemera/etf.h>
#include <hemera/gateway-manager.h>
#include <hemera/gateway-messages.h>
#include <hemera/gateway.h>
#include <hemera/intents.h>
#include <hemera/json.h>
#include <hemera/server.h>
#include <hemera/supervisor.h>
#include <hemera/system.h>
#include <hemera/term-builder.h>
#include <hemera/term.h>
#include <hemera/version.h>
