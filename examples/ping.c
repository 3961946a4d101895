/* ping: the bot of the README: prints what people write. DISCORD_TOKEN holds the token; Ctrl-C stops it. */
#include <hemera/hemera.h>
#include <stdio.h>

static void
on_message (HemeraGateway *gateway, HemeraMessage *message, gpointer user_data)
{
  HemeraUser *author = hemera_message_get_author (message);

  printf ("%s: %s\n", hemera_user_get_username (author), hemera_message_get_content (message));
}

int
main (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HemeraGatewayApiOptions) options = hemera_gateway_api_options_new_from_environment (&error);
  g_autoptr (HemeraGateway) gateway = options != NULL ? hemera_gateway_new (NULL, options) : NULL;

  if (gateway == NULL)
    return g_printerr ("%s\n", error->message), 2;
  hemera_gateway_on_message_create (gateway, NULL, on_message, NULL, NULL);
  return hemera_gateway_run (gateway);
}
