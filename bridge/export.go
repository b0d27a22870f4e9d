// The number of processors is read once: otherwise the runtime would read the control group
// again every second while it works, and once more while it should sleep.
//go:debug updatemaxprocs=0

// Package main is the C face of the core: an archive that the module links. It
// decodes, guards, calls the engine and encodes; it decides nothing.
//
// bridge.h is the contract and is included here, so that a drift stops the build.
// Every export recovers from a panic: a fault in the core is an error for one
// caller, never the end of the host.
package main

// #include "bridge.h"
import "C"

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"unsafe"

	"sluice/core/engine"
)

func main() {} // never called: the archive has no entry point

//export sluice_log_to
func sluice_log_to(log C.sluice_log_fn) {
	defer logPanic()
	sink.set(log)
}

//export sluice_create
func sluice_create(parameters C.sluice_bytes, length C.uint64_t, failure *C.sluice_error) (logger C.int64_t) {
	defer recoverInto(failure, nil)
	handle, err := create(bytesOf(parameters, length))
	if err != nil {
		report(failure, err)
		return 0
	}
	return C.int64_t(handle)
}

//export sluice_initialize
func sluice_initialize(logger C.int64_t, failure *C.sluice_error) (category C.int32_t) {
	defer recoverInto(failure, &category)
	return report(failure, initialize(int64(logger)))
}

//export sluice_prepare
func sluice_prepare(logger C.int64_t, launch C.sluice_bytes, length C.uint64_t, done C.sluice_prepared_fn, context C.uintptr_t) {
	var copied []byte
	err := guarded.Run("take a launch", func() error {
		copied = append(copied, bytesOf(launch, length)...)
		return nil
	})
	guarded.Go("answer a launch", func() {
		var d engine.Descriptors
		if err == nil {
			err = guarded.Run("prepare a container", func() (err error) {
				d, err = prepare(int64(logger), copied)
				return err
			})
		}
		if err != nil {
			failPrepared(done, context, err)
			return
		}
		callPrepared(done, context, d)
	})
}

//export sluice_destroy
func sluice_destroy(logger C.int64_t) {
	defer logPanic()
	loggers.remove(int64(logger))
}

//export sluice_metrics
func sluice_metrics(values *C.int64_t, count C.uint32_t) {
	defer logPanic()
	m := engine.Shared()
	all := [C.SLUICE_METRICS]int64{
		C.SLUICE_STREAMS:           m.Streams,
		C.SLUICE_STREAMS_RECOVERED: m.Recovered,
		C.SLUICE_BYTES_IN:          m.InBytes(),
		C.SLUICE_BYTES_WRITTEN:     m.WrittenBytes,
		C.SLUICE_BYTES_DROPPED:     m.DroppedBytes,
		C.SLUICE_ROTATIONS:         m.Rotations,
		C.SLUICE_ROTATION_ERRORS:   m.RotationErrors,
		C.SLUICE_WRITE_ERRORS:      m.WriteErrors,
		C.SLUICE_IMPOSTORS:         m.Impostors,
		C.SLUICE_PANICS:            m.Panics + panics.Load() + guarded.Caught(),
		C.SLUICE_WAKEUPS:           m.Wakeups,
		C.SLUICE_GOROUTINES:        int64(runtime.NumGoroutine()),

		C.SLUICE_LINES_DROPPED:       m.DroppedLines,
		C.SLUICE_COMPRESSIONS_QUEUED: m.Compressions,
		C.SLUICE_STREAMS_BLOCKED:     m.Blocked,
		C.SLUICE_MEMORY_BYTES:        memoryBytes(),
		C.SLUICE_FILES_EVICTED:       m.FilesEvicted,
		C.SLUICE_BYTES_EVICTED:       m.BytesEvicted,

		C.SLUICE_STREAMS_DROPPING:              m.Dropping,
		C.SLUICE_BYTES_DROPPED_NO_SPACE:        m.Dropped[engine.NoSpace].Bytes,
		C.SLUICE_BYTES_DROPPED_QUOTA:           m.Dropped[engine.Quota].Bytes,
		C.SLUICE_BYTES_DROPPED_IO_ERROR:        m.Dropped[engine.IOError].Bytes,
		C.SLUICE_BYTES_DROPPED_PANIC:           m.Dropped[engine.Panic].Bytes,
		C.SLUICE_BYTES_DROPPED_SANDBOX_REMOVED: m.Dropped[engine.SandboxRemoved].Bytes,
		C.SLUICE_BYTES_DROPPED_DISCARDED:       m.Dropped[engine.Discarded].Bytes,
		C.SLUICE_BYTES_DROPPED_UNRECORDED:      m.Dropped[engine.Unrecorded].Bytes,
		C.SLUICE_MARKS:                         m.Marks,
		C.SLUICE_BYTES_MARKS:                   m.MarkBytes,
		C.SLUICE_FILES:                         m.Files,
		C.SLUICE_BYTES_ON_DISK:                 m.DiskBytes,
		C.SLUICE_FILES_MADE_ROOM:               m.RoomFiles,
		C.SLUICE_BYTES_MADE_ROOM:               m.RoomBytes,
		C.SLUICE_LONGEST_BLOCKED_MS:            m.LongestBlocked.Milliseconds(),

		C.SLUICE_STREAMS_UNATTENDED: m.Unattended,

		C.SLUICE_LINES_IN:      -1,
		C.SLUICE_LINES_WRITTEN: -1,
	}
	if m.LinesKnown {
		all[C.SLUICE_LINES_IN], all[C.SLUICE_LINES_WRITTEN] = m.InLines(), m.WrittenLines
	}
	out := sliceAt[int64](unsafe.Pointer(values), int(count))
	copy(out, all[:])
}

// memoryBytes is what the Go runtime has taken from the kernel and not given back.
func memoryBytes() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}

func bytesOf(data C.sluice_bytes, length C.uint64_t) []byte {
	return sliceAt[byte](unsafe.Pointer(data), int(length))
}

// sliceAt is memory of the caller. If there is none, it panics, and the export recovers: the
// panic of unsafe.Slice would end the process when the race detector is linked in.
func sliceAt[T any](at unsafe.Pointer, length int) []T {
	if at == nil && length != 0 {
		panic(fmt.Sprintf("the caller gave no memory, and says that it has %d of it", length))
	}
	return unsafe.Slice((*T)(at), length)
}

// recoverInto turns a panic into an error of the export in which it happened.
func recoverInto(failure *C.sluice_error, category *C.int32_t) {
	if r := recover(); r != nil {
		c := report(failure, fault(r))
		if category != nil {
			*category = c
		}
	}
}

func logPanic() {
	if r := recover(); r != nil {
		_ = fault(r)
	}
}

// fault counts and logs a panic, and gives the error for the caller.
func fault(r any) error {
	panics.Add(1)
	log.Error("fault in the core", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
	return &panicError{fmt.Sprint(r)}
}
