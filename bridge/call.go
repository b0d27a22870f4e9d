package main

// #include <stdlib.h>
// #include "bridge.h"
//
// static void sluice_call_log(sluice_log_fn log, int32_t severity, sluice_bytes text, uint64_t length) {
//   log(severity, text, length);
// }
// static void sluice_call_prepared(sluice_prepared_fn done, uintptr_t context, int32_t out, int32_t err, sluice_error* error) {
//   done(context, out, err, error);
// }
import "C"

import (
	"sync"
	"unicode/utf8"
	"unsafe"

	"sluice/core/engine"
)

// maxTextBytes bounds the text of an error that the core itself keeps for a call.
const maxTextBytes = 4096

// report writes err into the caller's buffer and gives its category.
func report(failure *C.sluice_error, err error) C.int32_t {
	if err == nil {
		return C.SLUICE_OK
	}
	category, number := classify(err)
	if failure == nil {
		return C.int32_t(category)
	}
	text := cutText(err.Error(), int(failure.capacity))
	copy(sliceAt[byte](unsafe.Pointer(failure.text), len(text)), text)
	failure.category = C.int32_t(category)
	failure.error_number = C.int32_t(number)
	failure.length = C.uint32_t(len(text))
	return C.int32_t(category)
}

// cutText shortens a text, at the end of a character.
func cutText(text string, capacity int) string {
	if len(text) <= capacity {
		return text
	}
	for capacity > 0 && !utf8.RuneStart(text[capacity]) {
		capacity--
	}
	return text[:capacity]
}

// answers bounds how many threads are in calls of the module at a time: each call holds one,
// and a crowd of launches must not become a crowd of threads.
var answers = make(chan struct{}, 8)

// callPrepared hands both descriptors to the module.
func callPrepared(done C.sluice_prepared_fn, context C.uintptr_t, d engine.Descriptors) {
	answers <- struct{}{}
	defer func() { <-answers }()
	C.sluice_call_prepared(done, context, C.int32_t(d.Stdout), C.int32_t(d.Stderr), nil)
}

// failPrepared tells the module why a container cannot be logged.
func failPrepared(done C.sluice_prepared_fn, context C.uintptr_t, err error) {
	answers <- struct{}{} // before the first call into C, which may take a thread
	defer func() { <-answers }()
	text := (*C.char)(C.malloc(maxTextBytes))
	defer C.free(unsafe.Pointer(text))
	failure := C.sluice_error{text: text, capacity: maxTextBytes}
	report(&failure, err)
	C.sluice_call_prepared(done, context, -1, -1, &failure)
}

// logSink is where log lines go. When set returns, no call of the earlier function is under way,
// so the host may tear its log down.
type logSink struct {
	mu  sync.RWMutex
	log C.sluice_log_fn
}

func (s *logSink) set(log C.sluice_log_fn) {
	if log == nil {
		queue.flush()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = log
}

func (s *logSink) write(severity int, line []byte) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.log == nil || len(line) == 0 {
		return
	}
	C.sluice_call_log(s.log, C.int32_t(severity), C.sluice_bytes(unsafe.Pointer(&line[0])), C.uint64_t(len(line)))
}
