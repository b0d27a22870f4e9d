/* Hazard: a fault in the core while the host calls it. Whatever an export is
 * given, it returns, and the outcome of a launch is told exactly once. */

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/bridge.h"

static atomic_int outcomes;

static void require(int holds, const char* what)
{
  if (!holds) {
    fprintf(stderr, "FAILED: %s\n", what);
    exit(1);
  }
}

static void prepared(
  uintptr_t context, int32_t out, int32_t err, sluice_error* error)
{
  require(context == 42, "the context of a launch");
  require(out == -1 && err == -1, "descriptors of a launch that failed");
  require(error != NULL && error->length > 0, "the reason why it failed");
  atomic_fetch_add(&outcomes, 1);
}

int main(void)
{
  char text[256];
  sluice_error error = {SLUICE_OK, 0, text, sizeof(text), 0};

  /* Bytes that are not there: a fault, in each export that takes some. */
  require(sluice_create(NULL, 5, &error) == 0, "a logger of no parameters");
  require(error.category == SLUICE_PANIC, "category of the fault");
  sluice_prepare(1, NULL, 5, &prepared, 42);

  /* Handles and launches that there are not. */
  require(sluice_initialize(7, &error) == SLUICE_CLOSED, "an unknown logger");
  sluice_prepare(7, (sluice_bytes) "x", 1, &prepared, 42);
  sluice_destroy(7);

  /* Far beyond what a busy machine needs; then nothing more may come. */
  for (int i = 0; i < 6000 && atomic_load(&outcomes) < 2; i++) {
    usleep(10 * 1000);
  }

  usleep(200 * 1000);
  require(atomic_load(&outcomes) == 2, "one outcome for each launch");
  return 0;
}
