// What the host had before the Go runtime came into it.

#ifndef SLUICE_BRIDGE_HOST_H
#define SLUICE_BRIDGE_HOST_H

// Puts back what the Go runtime changed for its own use and the core does
// without. To be called once, by the core as it is initialised: what the host
// sets afterwards is its own.
void sluice_restore_host(void);

#endif // SLUICE_BRIDGE_HOST_H
