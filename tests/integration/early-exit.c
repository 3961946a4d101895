/* early-exit: a program that gives its gateway up while it still connects, at another moment each time, and ends at once. Exit 0. */
#include <hemera/hemera.h>

int
main (void)
{
  for (guint i = 0; i < 20; i++) {
    g_autoptr (HemeraGatewayApiOptions) options = hemera_gateway_api_options_new_from_environment (NULL);
    g_autoptr (HemeraGateway) gateway = hemera_gateway_new (NULL, options);

    hemera_gateway_connect_async (gateway, NULL, NULL, NULL);
    g_usleep ((gulong) g_random_int_range (0, 2000));
  }
  return 0;
}
