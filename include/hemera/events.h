/* Events and the typed models inside them. */
#pragma once

#include <hemera/event.h>
#include <hemera/models.h>
