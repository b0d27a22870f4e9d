package main

// #include "host.h"
import "C"

// The runtime and package os have changed all that they change before this runs, and no
// function of the library returns to the host until it has run.
func init() { C.sluice_restore_host() }
